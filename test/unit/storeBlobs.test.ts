import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { OpTime, Sample } from "../../src-main/lab/contract.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { decodeOpTimes, encodeOpTimes } from "../../src-main/store/opTimeBlob.ts";
import { decodeSamples, encodeSamples } from "../../src-main/store/sampleBlob.ts";
import { DamagedValue } from "../../src-main/store/sqliteError.ts";

const random = createRandom(5);
const samples: Sample[] = Array.from({ length: 500 }, (_, index) => ({
  atMs: index * 8 + random.next(),
  ms: 8 + random.normal(),
  canaryBeforeMs: index % 3 === 0 ? null : random.next(),
  canaryAfterMs: index % 4 === 0 ? null : random.next(),
  waitedMs: index % 5 === 0 ? null : 0,
  kept: index % 7 !== 0,
}));
const opTimes: OpTime[] = Array.from({ length: 120 }, (_, index) => ({
  op: index === 119 ? -1 : index,
  type: ["CONV_2D", "ADD", "Größe custom"][index % 3]!,
  ms: random.next(),
}));

describe("samples as a blob", () => {
  it("come back exactly", () => {
    expect(decodeSamples(encodeSamples(samples))).toEqual(samples);
    expect(decodeSamples(encodeSamples([]))).toEqual([]);
  });

  it("take fewer than 30 bytes each", () => {
    expect(encodeSamples(samples).length).toBeLessThan(samples.length * 30);
  });

  it("read as null where an older program did not know a column, and without one only a newer knows", () => {
    const names = Buffer.from(JSON.stringify(["atMs", "future", "ms", "kept"]));
    const plain = Buffer.alloc(8 + names.length + 4 * 8);
    plain.writeUInt32LE(1, 0);
    plain.writeUInt32LE(names.length, 4);
    names.copy(plain, 8);
    [1, 99, 2, 1].forEach((value, index) => plain.writeDoubleLE(value, 8 + names.length + index * 8));
    expect(decodeSamples(Buffer.concat([Uint8Array.of(1), deflateSync(plain)]))).toEqual([
      { atMs: 1, ms: 2, canaryBeforeMs: null, canaryAfterMs: null, waitedMs: null, kept: true },
    ]);
  });

  it("say so when they are damaged, wherever the damage is", () => {
    const blob = encodeSamples(samples);
    for (const cut of [0, 1, 2, blob.length >> 1, blob.length - 1])
      expect(() => decodeSamples(blob.subarray(0, cut))).toThrow(DamagedValue);
    expect(() => decodeSamples(Uint8Array.of(9, ...blob.subarray(1)))).toThrow(/no known format/);
    const short = Buffer.concat([
      Uint8Array.of(1),
      deflateSync(Buffer.from([1, 0, 0, 0, 2, 0, 0, 0, 91, 93, 7])),
    ]);
    expect(() => decodeSamples(short)).toThrow(DamagedValue);
  });
});

describe("op times as a blob", () => {
  it("come back exactly, from any offset in memory", () => {
    const blob = encodeOpTimes(opTimes);
    expect(decodeOpTimes(blob)).toEqual(opTimes);
    const shifted = new Uint8Array(blob.length + 3);
    shifted.set(blob, 3);
    expect(decodeOpTimes(shifted.subarray(3))).toEqual(opTimes);
    expect(decodeOpTimes(encodeOpTimes([]))).toEqual([]);
  });

  it("say so when they are damaged, wherever the damage is", () => {
    const blob = encodeOpTimes(opTimes);
    for (let cut = 0; cut < blob.length; cut += 7)
      expect(() => decodeOpTimes(blob.subarray(0, cut))).toThrow(DamagedValue);
    const names = Uint8Array.from(blob);
    names[10] = 0;
    expect(() => decodeOpTimes(names)).toThrow(/op types/);
    const type = Uint8Array.from(blob);
    type[blob.length - 1] = 0xff;
    expect(() => decodeOpTimes(type)).toThrow(DamagedValue);
  });
});
