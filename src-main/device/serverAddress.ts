import { isIPv6 } from "node:net";
import { badRequest } from "../lab/errors.ts";

/** Where an adb server, or a phone on Wi-Fi, listens. */
export interface Address {
  host: string;
  port: number;
}

/** `host:port` as adb writes it, an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `host`, `host:port`, `[v6]` or `[v6]:port`; null when the text is none of them. */
export function readAddress(text: string, defaultPort: number): Address | null {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text.trim());
  if (!match) return null;
  const [, bracketed, plain, digits] = match;
  const host = bracketed ?? plain ?? "";
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65535) return null;
  // A host name ends up in a request of adb's, whose parts are set apart by colons and spaces.
  if (bracketed === undefined ? !/^[A-Za-z0-9._%-]+$/.test(host) : !isIPv6(host)) return null;
  return { host, port };
}

/** As `readAddress`, but rejects with bad-request what is no address; `what` names it in the message. */
export function requireAddress(text: string, defaultPort: number, what: string): Address {
  const address = readAddress(text, defaultPort);
  if (address) return address;
  throw badRequest(
    `${JSON.stringify(text.slice(0, 80))} is not the address of ${what}`,
    "Give host:port, e.g. 192.168.1.7:5555.",
  );
}

/** Whether the address is this computer's own, where the lab may start a server. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
