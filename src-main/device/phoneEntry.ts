import { badRequest } from "../lab/errors.ts";
import { type AdbServer, phoneKey } from "./adbServer.ts";
import { type ListLine, explainState } from "./deviceList.ts";
import type { ListedPhone } from "./phoneState.ts";

/** A phone of the list with what is needed to connect to it. */
export interface PhoneEntry {
  phone: ListedPhone;
  /** Why it cannot be used, without what to do; null when it can. */
  why: string | null;
  remedy: string;
  passing: boolean;
  server: AdbServer;
  key: string;
}

/** The phones of several servers; those of the local one under their bare serial, those of others as `serial@host:port`. */
export function listEntries(servers: readonly AdbServer[]): PhoneEntry[] {
  return servers.flatMap((server) => {
    const lines = [...server.lines()].sort(byTransport);
    const seen = new Set<string>();
    return lines.map((line) => {
      const doubled = seen.has(line.serial);
      seen.add(line.serial);
      return makeEntry(server, line, doubled);
    });
  });
}

/** The phone of that id, or the only one of that serial; null when there is none, bad-request when several have the serial. */
export function findEntry(entries: readonly PhoneEntry[], idOrSerial: string): PhoneEntry | null {
  const exact = entries.find(({ phone }) => phone.id === idOrSerial);
  if (exact) return exact;
  const alike = entries.filter(({ phone }) => phone.serial === idOrSerial);
  if (alike.length > 1)
    throw badRequest(
      `${alike.length} phones have the serial ${idOrSerial}`,
      `Name one of them: ${alike.map(({ phone }) => phone.id).join(", ")}.`,
    );
  return alike[0] ?? null;
}

function byTransport(a: ListLine, b: ListLine): number {
  return Number(a.transportId ?? 0) - Number(b.transportId ?? 0);
}

function makeEntry(server: AdbServer, line: ListLine, doubled: boolean): PhoneEntry {
  const meaning = explainState(line.word);
  const own = server.local ? line.serial : `${line.serial}@${server.address}`;
  const key = phoneKey(line);
  const state = doubled ? "unavailable" : meaning.state;
  const problem = doubled ? "another phone of this server has the same serial number" : meaning.problem;
  const remedy = (doubled ? "Unplug one of the two." : meaning.remedy) ?? "";
  return {
    phone: {
      id: doubled ? `${own}#${key}` : own,
      serial: line.serial,
      server: server.address,
      state,
      problem: problem === null ? null : `${upperFirst(problem)}. ${remedy}`,
      word: line.word,
      model: line.model,
      transportId: line.transportId ?? "",
    },
    why: problem,
    remedy,
    passing: meaning.passing,
    server,
    key,
  };
}

/** The text with its first letter as a capital. */
export function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
