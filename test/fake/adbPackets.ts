/** The packets between an adb server and the adbd of a phone (AOSP packages/modules/adb, protocol.txt). */

export const command = {
  CNXN: 0x4e584e43,
  AUTH: 0x48545541,
  OPEN: 0x4e45504f,
  OKAY: 0x59414b4f,
  WRTE: 0x45545257,
  CLSE: 0x45534c43,
} as const;

export type PacketCommand = (typeof command)[keyof typeof command];

/** Protocol versions: from the second on, payload checksums are neither written nor checked. */
export const versionWithChecksum = 0x01000000;
export const versionSkippingChecksum = 0x01000001;

export const headerBytes = 24;

/** One packet; the meaning of the two arguments depends on the command. */
export interface AdbPacket {
  command: PacketCommand;
  arg0: number;
  arg1: number;
  data: Buffer;
}

/** The protocol's "checksum": the sum of the payload's bytes modulo 2^32. */
export function sumBytes(data: Uint8Array): number {
  let sum = 0;
  for (const byte of data) sum = (sum + byte) >>> 0;
  return sum;
}

/** A packet as bytes; without checksum its field is zero, as newer adbd leaves it. */
export function encodePacket(packet: AdbPacket, withChecksum: boolean): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(packet.command, 0);
  header.writeUInt32LE(packet.arg0 >>> 0, 4);
  header.writeUInt32LE(packet.arg1 >>> 0, 8);
  header.writeUInt32LE(packet.data.length, 12);
  header.writeUInt32LE(withChecksum ? sumBytes(packet.data) : 0, 16);
  header.writeUInt32LE((packet.command ^ 0xffffffff) >>> 0, 20);
  return Buffer.concat([header, packet.data]);
}

/** Cuts a byte stream into packets; throws an Error where the stream is not adb's protocol. */
export class PacketReader {
  #chunks: Buffer[] = [];
  #length = 0;
  #header: Buffer | null = null;
  readonly #maxPayload: number;
  /** Whether payload checksums are checked; the two sides agree on it with CNXN. */
  checksum = true;

  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next whole packet, or null until more bytes come. */
  next(): AdbPacket | null {
    if (!this.#header) {
      if (this.#length < headerBytes) return null;
      this.#header = this.#take(headerBytes);
    }
    const header = this.#header;
    const name = header.readUInt32LE(0);
    const length = header.readUInt32LE(12);
    if (header.readUInt32LE(20) !== (name ^ 0xffffffff) >>> 0) throw new Error("packet with a wrong magic");
    const known = Object.values(command).find((value) => value === name);
    if (known === undefined) throw new Error(`packet with the unknown command ${name.toString(16)}`);
    if (length > this.#maxPayload)
      throw new Error(`payload of ${length} bytes, more than ${this.#maxPayload} agreed`);
    if (this.#length < length) return null;
    this.#header = null;
    const data = this.#take(length);
    // A server that connects again greets without a checksum when it did without before; adbd does not look at it there.
    if (this.checksum && known !== command.CNXN && sumBytes(data) !== header.readUInt32LE(16))
      throw new Error("payload with a wrong checksum");
    return { command: known, arg0: header.readUInt32LE(4), arg1: header.readUInt32LE(8), data };
  }

  #take(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return all.subarray(0, length);
  }
}
