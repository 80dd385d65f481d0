import { deflateSync, inflateSync } from "node:zlib";
import type { Sample } from "../lab/contract.ts";
import { DamagedValue } from "./sqliteError.ts";

/*
 * Format 1: one byte 1, then a zlib stream. In it, little-endian: the count n as uint32 at 0, the length of the names as
 * uint32 at 4, the names of the columns (a JSON list in UTF-8) at 8, then column by column n float64; NaN is null, `kept`
 * is 1 or 0. Every value is kept exactly. A column the names lack reads as null, one the reader does not know is passed over.
 */
const format = 1;
const headBytes = 8;
const columns = ["atMs", "ms", "canaryBeforeMs", "canaryAfterMs", "waitedMs", "kept"] as const;
const names = Buffer.from(JSON.stringify(columns), "utf8");

/** Packs the raw samples of a measurement without loss. */
export function encodeSamples(samples: readonly Sample[]): Uint8Array {
  const count = samples.length;
  const plain = new Uint8Array(headBytes + names.length + columns.length * count * 8);
  const view = new DataView(plain.buffer);
  view.setUint32(0, count, true);
  view.setUint32(4, names.length, true);
  plain.set(names, headBytes);
  let offset = headBytes + names.length;
  for (const column of columns)
    for (const sample of samples) {
      view.setFloat64(offset, Number(sample[column] ?? NaN), true);
      offset += 8;
    }
  return Buffer.concat([Uint8Array.of(format), deflateSync(plain, { level: 1 })]);
}

/** Unpacks what `encodeSamples` packed; throws a DamagedValue when that is not what the bytes are. */
export function decodeSamples(blob: Uint8Array): Sample[] {
  if (blob[0] !== format) throw new DamagedValue("raw samples are in no known format");
  const plain = inflate(blob.subarray(1));
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  if (plain.length < headBytes) throw new DamagedValue("raw samples are cut short");
  const count = view.getUint32(0, true);
  const start = headBytes + view.getUint32(4, true);
  const stored = readNames(plain.subarray(headBytes, start));
  if (plain.length !== start + stored.length * count * 8) throw new DamagedValue("raw samples are cut short");
  const readColumn = (name: (typeof columns)[number]) => {
    const column = stored.indexOf(name);
    return (index: number) => {
      const value = column < 0 ? NaN : view.getFloat64(start + (column * count + index) * 8, true);
      return Number.isNaN(value) ? null : value;
    };
  };
  const at = readColumn("atMs");
  const ms = readColumn("ms");
  const before = readColumn("canaryBeforeMs");
  const after = readColumn("canaryAfterMs");
  const waited = readColumn("waitedMs");
  const kept = readColumn("kept");
  return Array.from({ length: count }, (_, index) => ({
    atMs: at(index) ?? NaN,
    ms: ms(index) ?? NaN,
    canaryBeforeMs: before(index),
    canaryAfterMs: after(index),
    waitedMs: waited(index),
    kept: kept(index) === 1,
  }));
}

function inflate(bytes: Uint8Array): Uint8Array {
  try {
    return inflateSync(bytes);
  } catch {
    throw new DamagedValue("raw samples cannot be unpacked");
  }
}

function readNames(bytes: Uint8Array): string[] {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as string[];
  } catch {
    throw new DamagedValue("the columns of raw samples cannot be read");
  }
}
