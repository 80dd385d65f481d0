import type { OpTime } from "../lab/contract.ts";
import { DamagedValue } from "./sqliteError.ts";

/*
 * Format 1, little-endian: byte 0 is 1, byte 1 is 0, the count n as uint32 at 2, the length of the names as uint32 at 6, the
 * names of the distinct types (a JSON list in UTF-8) at 10, then column by column: n float64 of ms, n int32 of the op's
 * index, n uint16 of the index of its type's name.
 */
const format = 1;
const headBytes = 10;
const rowBytes = 14;

/** Packs the per-op times of a measurement without loss. */
export function encodeOpTimes(opTimes: readonly OpTime[]): Uint8Array {
  const count = opTimes.length;
  const numbers = new Map<string, number>();
  for (const { type } of opTimes) if (!numbers.has(type)) numbers.set(type, numbers.size);
  const names = Buffer.from(JSON.stringify([...numbers.keys()]), "utf8");
  const blob = new Uint8Array(headBytes + names.length + count * rowBytes);
  const view = new DataView(blob.buffer);
  blob[0] = format;
  view.setUint32(2, count, true);
  view.setUint32(6, names.length, true);
  blob.set(names, headBytes);
  const start = headBytes + names.length;
  opTimes.forEach((time, index) => {
    view.setFloat64(start + index * 8, time.ms, true);
    view.setInt32(start + count * 8 + index * 4, time.op, true);
    view.setUint16(start + count * 12 + index * 2, numbers.get(time.type)!, true);
  });
  return blob;
}

/** Unpacks what `encodeOpTimes` packed; throws a DamagedValue when that is not what the bytes are. */
export function decodeOpTimes(blob: Uint8Array): OpTime[] {
  if (blob.length < headBytes || blob[0] !== format)
    throw new DamagedValue("op times are in no known format");
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const count = view.getUint32(2, true);
  const start = headBytes + view.getUint32(6, true);
  if (blob.length !== start + count * rowBytes) throw new DamagedValue("op times are cut short");
  const names = readNames(blob.subarray(headBytes, start));
  return Array.from({ length: count }, (_, index) => {
    const type = names[view.getUint16(start + count * 12 + index * 2, true)];
    if (type === undefined) throw new DamagedValue("an op time is of no known type");
    return {
      op: view.getInt32(start + count * 8 + index * 4, true),
      type,
      ms: view.getFloat64(start + index * 8, true),
    };
  });
}

function readNames(bytes: Uint8Array): string[] {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as string[];
  } catch {
    throw new DamagedValue("the op types of op times cannot be read");
  }
}
