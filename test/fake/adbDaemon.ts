import { randomBytes } from "node:crypto";
import { type Server, type Socket, createServer } from "node:net";
import {
  type AdbPacket,
  PacketReader,
  command,
  encodePacket,
  versionSkippingChecksum,
} from "./adbPackets.ts";
import { AdbStream, type StreamLink } from "./adbStream.ts";

const authToken = 1;
const authPublicKey = 3;
const emptyPayload = Buffer.alloc(0);

/** What the phone is to the adb server that connects to it. */
export interface DaemonOptions {
  /** `device::name=value;…;features=…`, what CNXN carries. */
  banner: () => string;
  authorized: () => boolean;
  /** What serves a stream to this service, or null to refuse it. */
  openService: (service: string) => ((stream: AdbStream) => void) | null;
  version: number;
  maxPayload: number;
}

/** adbd's side of the protocol on a TCP port of the loopback interface. */
export class AdbDaemon {
  readonly #options: DaemonOptions;
  #server: Server | null = null;
  #links = new Set<DaemonLink>();

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /** Listens on the port, or on a free one for 0; gives the port. */
  async listen(port: number): Promise<number> {
    for (;;) {
      const server = createServer((socket) => this.#accept(socket));
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", resolve);
      });
      const address = server.address();
      const bound = typeof address === "object" && address ? address.port : 0;
      // An adb server looks for emulators there by itself; a phone found twice has two serials.
      if (port === 0 && bound >= 5554 && bound <= 5585) {
        await new Promise((resolve) => server.close(resolve));
        continue;
      }
      this.#server = server;
      return bound;
    }
  }

  /** Stops listening and drops every connection at once, as pulling the cable does. */
  async drop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const link of this.#links) link.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Lets in the adb servers that were waiting for the user to accept their key. */
  authorize(): void {
    for (const link of this.#links) link.authorize();
  }

  /** Connections on which the handshake is over. */
  get connections(): number {
    return [...this.#links].filter((link) => link.online).length;
  }

  #accept(socket: Socket): void {
    const link = new DaemonLink(socket, this.#options, () => this.#links.delete(link));
    this.#links.add(link);
  }
}

class DaemonLink implements StreamLink {
  readonly #socket: Socket;
  readonly #options: DaemonOptions;
  readonly #reader: PacketReader;
  readonly #streams = new Map<number, AdbStream>();
  #nextId = 1;
  #greeted = false;
  #checksum = true;
  online = false;
  maxPayload: number;

  constructor(socket: Socket, options: DaemonOptions, onEnd: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.maxPayload = options.maxPayload;
    this.#reader = new PacketReader(options.maxPayload);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#read(chunk));
    // A reset by the other side is a cable pulled, not a fault of ours; "close" follows.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.online = false;
      for (const stream of [...this.#streams.values()]) stream.end();
      this.#streams.clear();
      onEnd();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  authorize(): void {
    if (this.#greeted && !this.online) this.#goOnline();
  }

  sendWrite(stream: AdbStream, data: Buffer): void {
    this.#send({ command: command.WRTE, arg0: stream.localId, arg1: stream.remoteId, data });
  }

  sendOkay(stream: AdbStream): void {
    this.#send({ command: command.OKAY, arg0: stream.localId, arg1: stream.remoteId, data: emptyPayload });
  }

  sendClose(stream: AdbStream): void {
    this.#streams.delete(stream.localId);
    this.#send({ command: command.CLSE, arg0: stream.localId, arg1: stream.remoteId, data: emptyPayload });
  }

  #send(packet: AdbPacket): void {
    if (!this.#socket.destroyed) this.#socket.write(encodePacket(packet, this.#checksum));
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
      for (let packet = this.#reader.next(); packet; packet = this.#reader.next()) this.#handle(packet);
    } catch {
      // Whoever does not speak the protocol is hung up on, as adbd does.
      this.destroy();
    }
  }

  #handle(packet: AdbPacket): void {
    switch (packet.command) {
      case command.CNXN:
        this.#greet(packet);
        return;
      case command.AUTH:
        // A signature by a key we do not know: ask again, upon which the server offers the key to the user.
        if (packet.arg0 !== authPublicKey) this.#askForKey();
        return;
      case command.OPEN:
        if (this.online) this.#open(packet);
        return;
      default: {
        const stream = this.#streams.get(packet.arg1);
        if (!stream || (packet.arg0 !== 0 && packet.arg0 !== stream.remoteId)) return;
        if (packet.command === command.OKAY) stream.acknowledge();
        else if (packet.command === command.WRTE) void stream.receive(packet.data);
        else {
          this.#streams.delete(stream.localId);
          stream.end();
        }
      }
    }
  }

  #greet(packet: AdbPacket): void {
    const version = Math.min(packet.arg0, this.#options.version);
    this.#checksum = version < versionSkippingChecksum;
    this.#reader.checksum = this.#checksum;
    this.maxPayload = Math.min(packet.arg1, this.#options.maxPayload);
    this.#greeted = true;
    if (this.#options.authorized()) this.#goOnline();
    else this.#askForKey();
  }

  #askForKey(): void {
    this.#send({ command: command.AUTH, arg0: authToken, arg1: 0, data: randomBytes(20) });
  }

  #goOnline(): void {
    this.online = true;
    const { version, maxPayload, banner } = this.#options;
    const packet = { command: command.CNXN, arg0: version, arg1: maxPayload, data: Buffer.from(banner()) };
    // The greeting itself always carries its checksum: the other side does not know our version yet.
    this.#socket.write(encodePacket(packet, true));
  }

  #open(packet: AdbPacket): void {
    const service = packet.data.toString("utf8").replace(/\0.*$/s, "");
    const start = this.#options.openService(service);
    if (!start) {
      this.#send({ command: command.CLSE, arg0: 0, arg1: packet.arg0, data: emptyPayload });
      return;
    }
    const stream = new AdbStream(this, this.#nextId++, packet.arg0);
    this.#streams.set(stream.localId, stream);
    // What the service writes at once must come after the acknowledgement.
    this.sendOkay(stream);
    start(stream);
  }
}
