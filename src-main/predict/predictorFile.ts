import { crc32 } from "node:zlib";
import type { FittedPredictor } from "./fittedPredictor.ts";
import { checkPredictor } from "./predictorCheck.ts";

/** Version of the stored form. Raise it when a reader of the old form could misread the new one. */
export const predictorFormat = 2;

/** Stored bytes that are not a predictor this program can use; the message says why in words. */
export class UnreadablePredictor extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UnreadablePredictor";
  }
}

const magic = "LATLABPR";
/** Magic, format, header length, checksum. */
const headBytes = 20;

const arrayTypes = {
  f64: Float64Array,
  i32: Int32Array,
  i16: Int16Array,
  u8: Uint8Array,
} as const;

type ArrayName = keyof typeof arrayTypes;
/** Where a typed array stands behind the header. */
interface ArrayPlace {
  $array: ArrayName;
  at: number;
  length: number;
}

/**
 * A predictor as bytes: a head with format and checksum, the structure as JSON, then its typed arrays as they lie in memory
 * (little-endian), each number exactly.
 */
export function encodePredictor(predictor: FittedPredictor): Uint8Array {
  const chunks: Uint8Array[] = [];
  let at = 0;
  const place = (array: ArrayBufferView & { length: number }, name: ArrayName): ArrayPlace => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const found = { $array: name, at, length: array.length };
    chunks.push(bytes);
    at += bytes.byteLength;
    return found;
  };
  const json = JSON.stringify(predictor, (_key, value: unknown) => {
    if (value instanceof Float64Array) return place(value, "f64");
    if (value instanceof Int32Array) return place(value, "i32");
    if (value instanceof Int16Array) return place(value, "i16");
    if (value instanceof Uint8Array) return place(value, "u8");
    // JSON has no such numbers; a silent null would be read as something else.
    if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
    return value;
  });
  const header = new TextEncoder().encode(json);
  const bytes = new Uint8Array(headBytes + header.length + at);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  view.setUint32(8, predictorFormat, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, headBytes);
  let end = headBytes + header.length;
  for (const chunk of chunks) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  view.setUint32(16, crc32(bytes.subarray(headBytes)), true);
  return bytes;
}

/** Reads a stored predictor; throws `UnreadablePredictor` with the reason when it is damaged, newer or does not fit this program. */
export function decodePredictor(bytes: Uint8Array): FittedPredictor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headBytes || new TextDecoder("latin1").decode(bytes.subarray(0, 8)) !== magic)
    throw new UnreadablePredictor("it is not a stored predictor");
  const format = view.getUint32(8, true);
  if (format > predictorFormat)
    throw new UnreadablePredictor(
      `it was written by a newer Latency Lab (format ${format}, this program knows ${predictorFormat})`,
    );
  if (format < 1) throw new UnreadablePredictor(`its format ${format} never existed`);
  const body = headBytes + view.getUint32(12, true);
  if (body > bytes.length) throw new UnreadablePredictor("it is cut off");
  if (crc32(bytes.subarray(headBytes)) !== view.getUint32(16, true))
    throw new UnreadablePredictor("its bytes are damaged: the checksum does not agree");
  let parsed: unknown;
  try {
    const json = new TextDecoder("utf8", { fatal: true }).decode(bytes.subarray(headBytes, body));
    parsed = JSON.parse(json, (_key, value: unknown) => revive(value, bytes, body));
  } catch (error) {
    if (error instanceof UnreadablePredictor) throw error;
    throw new UnreadablePredictor("its structure cannot be read");
  }
  const problem = checkPredictor(parsed);
  if (problem !== null) throw new UnreadablePredictor(problem);
  return parsed as FittedPredictor;
}

function revive(value: unknown, bytes: Uint8Array, body: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$number" in value) return Number(value.$number);
  if (!("$array" in value)) return value;
  const { $array, at, length } = value as ArrayPlace;
  const type = arrayTypes[$array];
  if (!type || !Number.isInteger(at) || !Number.isInteger(length) || at < 0 || length < 0)
    throw new UnreadablePredictor("one of its arrays has no place");
  const start = body + at;
  const end = start + length * type.BYTES_PER_ELEMENT;
  if (end > bytes.length) throw new UnreadablePredictor("one of its arrays is cut off");
  // A copy: typed arrays must be aligned, and the stored bytes may belong to a larger buffer.
  return new type(bytes.slice(start, end).buffer);
}
