import protobuf from "protobufjs/minimal.js";
import { OnnxProblem } from "./onnxProblem.ts";

/** Wire types of protobuf's encoding. */
const varint = 0;
const fixed64 = 1;
const delimited = 2;
const fixed32 = 5;

/**
 * Memory that a file's objects may take, in proportion to its size: a file made of nothing but empty nodes is refused
 * instead of filling the memory.
 */
export class Allowance {
  private rest: number;

  constructor(fileBytes: number) {
    this.rest = 6 * fileBytes + 16 * 2 ** 20;
  }

  /** Accounts for memory about to be taken, in bytes. */
  charge(bytes: number, place: string): void {
    this.rest -= bytes;
    if (this.rest < 0) throw new OnnxProblem(`${place}: it describes far more than the file holds`);
  }
}

/** One field of a message: its number, and its content in the form asked for, which must be that of the wire. */
export class ProtobufField {
  readonly number: number;
  private readonly wire: number;
  private readonly reader: protobuf.Reader;
  private readonly place: string;
  private readonly allowance: Allowance;

  constructor(tag: number, reader: protobuf.Reader, place: string, allowance: Allowance) {
    this.number = tag >>> 3;
    this.wire = tag & 7;
    this.reader = reader;
    this.place = place;
    this.allowance = allowance;
  }

  /** A view of the bytes of a length-delimited field. */
  bytes(): Uint8Array {
    this.expect(delimited);
    return this.reader.bytes();
  }

  text(): string {
    const bytes = this.bytes();
    this.allowance.charge(40 + 2 * bytes.length, this.place);
    return new TextDecoder().decode(bytes);
  }

  /** A varint as a number; beyond 2^53 the nearest one. */
  integer(): number {
    this.expect(varint);
    return toNumber(this.reader.int64());
  }

  float(): number {
    this.expect(fixed32);
    return this.reader.float();
  }

  /** Appends one integer, or many of a packed field. */
  integersInto(list: number[]): void {
    if (this.wire !== delimited) {
      this.allowance.charge(8, this.place);
      list.push(this.integer());
      return;
    }
    const bytes = this.bytes();
    this.allowance.charge(8 * bytes.length, this.place);
    const inner = protobuf.Reader.create(bytes);
    while (inner.pos < inner.len) list.push(toNumber(inner.int64()));
  }

  /** Appends one float, or many of a packed field. */
  floatsInto(list: number[]): void {
    if (this.wire !== delimited) {
      this.allowance.charge(8, this.place);
      list.push(this.float());
      return;
    }
    const bytes = this.bytes();
    this.allowance.charge(2 * bytes.length, this.place);
    const inner = protobuf.Reader.create(bytes);
    while (inner.pos < inner.len) list.push(inner.float());
  }

  /** Bytes as they stand on the wire of one number or of a packed list, to be decoded when somebody needs the numbers. */
  elements(): Uint8Array {
    this.allowance.charge(120, this.place);
    if (this.wire === delimited) return this.bytes();
    const start = this.reader.pos;
    this.skip();
    return this.reader.buf.subarray(start, this.reader.pos);
  }

  /** Passes over the field. */
  skip(): void {
    if (this.wire === varint) this.reader.int64();
    else if (this.wire === fixed64) this.reader.skip(8);
    else if (this.wire === delimited) this.reader.bytes();
    else if (this.wire === fixed32) this.reader.skip(4);
    else throw new OnnxProblem(`${this.place}: its field ${this.number} has an encoding ONNX does not use`);
  }

  private expect(wire: number): void {
    if (this.wire !== wire)
      throw new OnnxProblem(`${this.place}: its field ${this.number} is not stored as ONNX stores it`);
  }
}

/** Calls `visit` for each field of a message; a field it does not read is passed over. Throws an OnnxProblem with the place. */
export function readFields(
  bytes: Uint8Array,
  place: string,
  allowance: Allowance,
  visit: (field: ProtobufField) => void,
): void {
  const reader = protobuf.Reader.create(bytes);
  try {
    while (reader.pos < reader.len) {
      const field = new ProtobufField(reader.tag(), reader, place, allowance);
      const start = reader.pos;
      visit(field);
      if (reader.pos === start) field.skip();
    }
  } catch (error) {
    // The reader's own errors say no more than that bytes are missing or no number.
    if (!(error instanceof RangeError) && !/^invalid /.test((error as Error).message)) throw error;
    throw new OnnxProblem(`${place}: it breaks off or is damaged near its byte ${reader.pos}`);
  }
}

/** Reads varints one after another as numbers; beyond 2^53 the nearest ones. */
export function* readVarints(bytes: Uint8Array): Generator<number> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) yield toNumber(reader.int64());
}

// The declarations of the reader's 64-bit integers do not resolve in modules like ours.
function toNumber(value: unknown): number {
  return typeof value === "number" ? value : (value as { toNumber(): number }).toNumber();
}
