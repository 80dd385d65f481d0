import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP, type AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import sirv from "sirv";
import { WebSocketServer, type WebSocket } from "ws";
import type { Lab } from "./lab/contract.ts";
import { addressUnavailable, windowMissing } from "./lab/errors.ts";
import { maxMessageLength, portOfSocket, serveLab, type SocketLike } from "./lab/wire.ts";

/** What is served, and where. */
export interface ServeOptions {
  lab: Lab;
  /** Folder of the built window. */
  files: string;
  /** 0 takes a free one. */
  port?: number;
  /** Address to listen on; loopback unless told otherwise. */
  host?: string;
}

/** A running server. */
export interface LabServer {
  /** Where a browser on this computer finds the window. */
  url: string;
  close(): Promise<void>;
}

/** Where the WebSocket is. */
const wirePath = "/wire";

const securityHeaders: Record<string, string> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/**
 * Serves the window and the lab over HTTP and a WebSocket. Only requests that name this server as their host are answered,
 * and only pages it served itself may open the socket: another site in the same browser can reach a loopback address too.
 * Rejects with address-unavailable or window-missing.
 */
export async function serve({ lab, files, port = 0, host = "127.0.0.1" }: ServeOptions): Promise<LabServer> {
  if (!existsSync(join(files, "index.html"))) throw windowMissing(files, "there is no index.html");
  const isOwnHost = createHostCheck(host);
  const serveFile = sirv(files, {
    etag: true,
    setHeaders: (response, path) =>
      response.setHeader(
        "Cache-Control",
        path.startsWith("/assets/") ? "max-age=31536000, immutable" : "no-cache",
      ),
  });
  const server = createServer((request, response) => answer(request, response, isOwnHost, serveFile));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageLength, clientTracking: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refuseUpgrade(request, isOwnHost);
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => acceptClient(lab, client));
  });
  await listen(server, host, port);
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${nameAddress(host)}:${bound.port}/`,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type FileServer = ReturnType<typeof sirv>;
type HostCheck = (header: string | undefined) => boolean;

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  isOwnHost: HostCheck,
  serveFile: FileServer,
): void {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  if (!isOwnHost(request.headers.host)) return end(response, 403, "This address is not the lab's.");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return end(response, 405, "Only GET is answered.");
  }
  serveFile(request, response, () => end(response, 404, "There is nothing here."));
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

function refuseUpgrade(request: IncomingMessage, isOwnHost: HostCheck): string | null {
  const { host, origin } = request.headers;
  if (!isOwnHost(host)) return "403 Forbidden";
  // A browser always names the page's origin; what is not a browser has no page to be misled by.
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) return "403 Forbidden";
  if (request.url !== wirePath) return "404 Not Found";
  return null;
}

function acceptClient(lab: Lab, client: WebSocket): void {
  // A broken frame or a message over the limit closes the socket, which is all there is to do about it.
  client.on("error", () => client.terminate());
  serveLab(lab, portOfSocket(client as SocketLike));
}

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]"]);
const wildcards = new Set(["0.0.0.0", "::", ""]);

/**
 * Tells whether a Host header names this server. A site that points its own name at this address (DNS rebinding) is refused:
 * beside loopback only the address given counts, and where that is all addresses, numbers and this computer's name.
 */
function createHostCheck(host: string): HostCheck {
  const given = nameAddress(host).toLowerCase();
  return (header) => {
    if (header === undefined) return false;
    const name = header.toLowerCase().replace(/:\d+$/, "");
    if (loopbackNames.has(name) || name === given) return true;
    if (!wildcards.has(host)) return false;
    return isIP(name.replace(/^\[|\]$/g, "")) !== 0 || name === hostname().toLowerCase();
  };
}

// How an address is written in a URL; one that stands for all of them is reached at loopback.
function nameAddress(host: string): string {
  if (wildcards.has(host)) return "127.0.0.1";
  return isIP(host) === 6 ? `[${host}]` : host;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(addressUnavailable(host, port, describeListenError(error))),
    );
    server.listen({ host, port }, resolve);
  });
}

function describeListenError({ code, message }: NodeJS.ErrnoException): string {
  if (code === "EADDRINUSE") return "another program listens there";
  if (code === "EACCES") return "listening there is not permitted";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return "this computer has no such address";
  return message;
}
