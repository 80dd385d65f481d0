import { type AddressInfo, type Server, type Socket, createServer } from "node:net";

/** Answers one request of a connection: writes what it likes, keeps the connection or ends it. */
export type Answer = (request: string, socket: Socket) => void;

/** What calls itself an adb server and answers as a test says, for what the real one does not do on demand. */
export class StubAdbServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Requests in the order they came. */
  readonly requests: string[] = [];
  connections = 0;
  port = 0;

  constructor(answer: Answer) {
    this.#server = createServer((socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.#sockets.delete(socket));
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
        for (;;) {
          const length = Number.parseInt(text.slice(0, 4), 16);
          if (Number.isNaN(length) || text.length < 4 + length) return;
          const request = text.slice(4, 4 + length);
          text = text.slice(4 + length);
          this.requests.push(request);
          answer(request, socket);
        }
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends every connection; it goes on listening. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A text as adb sends it, its length in four hexadecimal digits before it. */
export function withLength(text: string): string {
  return Buffer.byteLength(text).toString(16).padStart(4, "0") + text;
}
