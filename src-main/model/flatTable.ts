import { ByteBuffer } from "flatbuffers";

/** A place in a flatbuffer that breaks the format; the message says where and how. */
export class FlatError extends Error {}

/**
 * A flatbuffer of unknown origin. Whatever is read through it is checked against the file's bounds first, and all that is
 * turned into objects is charged to an allowance in proportion to the file's size: a file whose tables point many times at
 * the same long vector is refused instead of filling the memory.
 */
export class FlatFile {
  readonly buffer: ByteBuffer;
  readonly bytes: Uint8Array;
  private allowance: number;

  constructor(bytes: Uint8Array) {
    // Views of a Node Buffer would be Buffers, which JSON and comparisons treat as something else.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.buffer = new ByteBuffer(this.bytes);
    // A file with weights takes a fraction of its size as objects, one of nothing but small tables up to six times.
    this.allowance = 4 * bytes.length + 16 * 2 ** 20;
  }

  /** The root table of a file with this four-letter identifier. */
  openRoot(identifier: string, label: string): FlatTable {
    if (this.bytes.length === 0) throw new FlatError("the file is empty");
    if (this.bytes.length < 8 || !this.buffer.__has_identifier(identifier))
      throw new FlatError(`it does not carry the identifier ${identifier} of the format`);
    return new FlatTable(this, this.buffer.readUint32(0), label, null, -1);
  }

  /** Accounts for memory about to be taken, in bytes. */
  charge(bytes: number, place: () => string): void {
    this.allowance -= bytes;
    if (this.allowance < 0)
      throw new FlatError(`${place()}: its tables refer to far more data than the file holds`);
  }
}

/** A vector inside a flatbuffer, its whole length checked. */
interface FlatVector {
  start: number;
  count: number;
}

/** A vector of tables; `at` opens one. */
export interface TableList {
  count: number;
  at: (index: number) => FlatTable;
}

/** One table of a flatbuffer; fields are addressed by their slot, the order of the schema. */
export class FlatTable {
  readonly file: FlatFile;
  private readonly position: number;
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;
  private readonly label: string;
  private readonly parent: FlatTable | null;
  private readonly index: number;

  constructor(file: FlatFile, position: number, label: string, parent: FlatTable | null, index: number) {
    this.file = file;
    this.position = position;
    this.label = label;
    this.parent = parent;
    this.index = index;
    const { buffer, bytes } = file;
    if (position > bytes.length - 4) this.fail(`the table at byte ${position} lies outside of the file`);
    this.vtable = position - buffer.readInt32(position);
    if (this.vtable < 0 || this.vtable > bytes.length - 4)
      this.fail(`the field list of the table at byte ${position} lies outside of the file`);
    this.vtableBytes = buffer.readUint16(this.vtable);
    this.tableBytes = buffer.readUint16(this.vtable + 2);
    if (this.vtableBytes < 4 || this.vtableBytes % 2 !== 0 || this.vtable + this.vtableBytes > bytes.length)
      this.fail(`the field list of the table at byte ${position} has a wrong length`);
    if (this.tableBytes < 4 || position + this.tableBytes > bytes.length)
      this.fail(`the table at byte ${position} has a wrong length`);
  }

  /** Where this table is, in words: `subgraph 0, tensor 12`. */
  place(): string {
    const own = this.index < 0 ? this.label : `${this.label} ${this.index}`;
    return this.parent && this.parent.index >= 0 ? `${this.parent.place()}, ${own}` : own;
  }

  /** Ends reading with an error about this table. */
  fail(problem: string): never {
    throw new FlatError(`${this.place()}: ${problem}`);
  }

  private locate(slot: number, size: number): number {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.vtableBytes) return 0;
    const offset = this.file.buffer.readUint16(this.vtable + entry);
    if (offset === 0) return 0;
    if (offset < 4 || offset + size > this.tableBytes)
      this.fail(`its field ${slot} lies outside of the table`);
    return this.position + offset;
  }

  private locateVector(slot: number, elementBytes: number): FlatVector | null {
    const field = this.locate(slot, 4);
    if (field === 0) return null;
    const { buffer, bytes } = this.file;
    const position = field + buffer.readUint32(field);
    if (position > bytes.length - 4) this.fail(`the vector of its field ${slot} lies outside of the file`);
    const count = buffer.readUint32(position);
    const start = position + 4;
    if (count * elementBytes > bytes.length - start)
      this.fail(`the vector of its field ${slot} has ${count} elements, more than the file holds`);
    return { start, count };
  }

  readByte(slot: number, fallback = 0): number {
    const field = this.locate(slot, 1);
    return field ? this.file.buffer.readInt8(field) : fallback;
  }

  readUnsignedByte(slot: number): number {
    return this.readByte(slot) & 0xff;
  }

  readBoolean(slot: number, fallback = false): boolean {
    const field = this.locate(slot, 1);
    return field ? this.file.buffer.readInt8(field) !== 0 : fallback;
  }

  readInt(slot: number, fallback = 0): number {
    const field = this.locate(slot, 4);
    return field ? this.file.buffer.readInt32(field) : fallback;
  }

  readUnsigned(slot: number, fallback = 0): number {
    const field = this.locate(slot, 4);
    return field ? this.file.buffer.readUint32(field) : fallback;
  }

  readFloat(slot: number, fallback = 0): number {
    const field = this.locate(slot, 4);
    return field ? this.file.buffer.readFloat32(field) : fallback;
  }

  readLong(slot: number, fallback = 0n): bigint {
    const field = this.locate(slot, 8);
    return field ? this.file.buffer.readInt64(field) : fallback;
  }

  readUnsignedLong(slot: number): bigint {
    const field = this.locate(slot, 8);
    return field ? this.file.buffer.readUint64(field) : 0n;
  }

  /** Text of a field, null when absent; bytes that are not UTF-8 become U+FFFD. */
  readText(slot: number): string | null {
    const vector = this.locateVector(slot, 1);
    if (!vector) return null;
    this.charge(2 * vector.count);
    return decoder.decode(this.file.bytes.subarray(vector.start, vector.start + vector.count));
  }

  /** A view onto the bytes of a vector, null when absent. */
  readBytes(slot: number): Uint8Array | null {
    const vector = this.locateVector(slot, 1);
    if (!vector) return null;
    this.charge(200);
    return this.file.bytes.subarray(vector.start, vector.start + vector.count);
  }

  /** Number of bytes of a byte vector, 0 when absent; makes no view. */
  countBytes(slot: number): number {
    return this.locateVector(slot, 1)?.count ?? 0;
  }

  readByteNumbers(slot: number): number[] | null {
    return this.readVector(slot, 1, (position) => this.file.buffer.readUint8(position));
  }

  readInts(slot: number): number[] | null {
    return this.readVector(slot, 4, (position) => this.file.buffer.readInt32(position));
  }

  readUnsigneds(slot: number): number[] | null {
    return this.readVector(slot, 4, (position) => this.file.buffer.readUint32(position));
  }

  readFloats(slot: number): number[] | null {
    return this.readVector(slot, 4, (position) => this.file.buffer.readFloat32(position));
  }

  readLongs(slot: number): bigint[] | null {
    return this.readVector(slot, 8, (position) => this.file.buffer.readInt64(position));
  }

  private readVector<T>(slot: number, elementBytes: number, read: (position: number) => T): T[] | null {
    const vector = this.locateVector(slot, elementBytes);
    if (!vector) return null;
    this.charge(32 + vector.count * (elementBytes === 8 ? 24 : 8));
    // The length is known and charged: growing the list step by step would take it several times over.
    const values = new Array<T>(vector.count);
    for (let index = 0; index < vector.count; index++)
      values[index] = read(vector.start + index * elementBytes);
    return values;
  }

  /** The table a field refers to, null when absent. */
  openTable(slot: number, label: string): FlatTable | null {
    const field = this.locate(slot, 4);
    if (field === 0) return null;
    return new FlatTable(this.file, field + this.file.buffer.readUint32(field), label, this, -1);
  }

  /** The tables of a vector; each is charged with the bytes its object will take. Null when absent. */
  openTables(slot: number, label: string, objectBytes: number): TableList | null {
    const vector = this.locateVector(slot, 4);
    if (!vector) return null;
    this.charge(vector.count * objectBytes);
    const { buffer } = this.file;
    return {
      count: vector.count,
      at: (index) => {
        const entry = vector.start + 4 * index;
        return new FlatTable(this.file, entry + buffer.readUint32(entry), label, this, index);
      },
    };
  }

  private charge(bytes: number): void {
    this.file.charge(bytes, () => this.place());
  }
}

const decoder = new TextDecoder();
