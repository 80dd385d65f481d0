import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { createRandom, type Random } from "../../src-main/model/random.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { everythingGraph, readPublished } from "./tfliteGraphs.ts";

const words = [0xffffffff, 0x7fffffff, 0x80000000, 0, 1, 4, 8, 0x10000, 0xfffffffc, 0x54464c33];

/** Damages a copy of a file in one of the ways files get damaged, or an attacker would try. */
function mutate(file: Uint8Array, random: Random): Uint8Array {
  const kind = random.int(0, 5);
  if (kind === 0) return file.slice(0, random.int(0, file.length));
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  // Where tables lie, a change does more than among weights; both ends of a file have tables.
  const place = () => {
    const near = Math.min(bytes.length - 8, 32_768);
    const offset = random.int(0, near);
    return random.pick([offset, bytes.length - 8 - offset, random.int(0, bytes.length - 8)]);
  };
  const aligned = () => place() & ~3;
  for (let times = random.int(1, 6); times > 0; times--) {
    if (kind === 1) bytes[place()]! ^= 1 << random.int(0, 7);
    else if (kind === 2) view.setUint32(aligned(), random.pick(words), true);
    else if (kind === 3) view.setUint32(aligned(), view.getUint32(aligned(), true), true);
    else if (kind === 4) view.setInt32(aligned(), random.int(-64, 64), true);
    else {
      const length = random.int(1, Math.min(64, bytes.length >> 2));
      const [from, to] = [random.int(0, bytes.length - length), random.int(0, bytes.length - length)];
      const block = bytes.slice(from, from + length);
      bytes.copyWithin(from, to, to + length);
      bytes.set(block, to);
    }
  }
  return bytes;
}

/** Reads a damaged file to the end of everything the lab does with it; true when it still was one. */
function survives(bytes: Uint8Array, rewrite: boolean): boolean {
  let graph;
  try {
    graph = readTflite(bytes, "damaged");
  } catch (error) {
    if (error instanceof LabError && error.code === "model-unreadable") return false;
    throw error;
  }
  const detail = inspectGraph(graph, "damaged", bytes.length);
  expect(Number.isFinite(detail.flops + detail.params)).toBe(true);
  if (rewrite) checkRewriting(graph);
  return true;
}

function checkRewriting(graph: ReturnType<typeof readTflite>): void {
  let written;
  try {
    written = writeTflite(graph);
  } catch (error) {
    if (error instanceof LabError && error.code === "model-unwritable") return;
    throw error;
  }
  expect(Buffer.compare(writeTflite(readTflite(written, "rewritten")), written)).toBe(0);
}

describe("damaged files are read or refused, and nothing else", () => {
  it.each([
    ["one of everything", 3000, () => writeTflite(everythingGraph()), true],
    [
      "the tables of face detection without its weights",
      2000,
      () => writeTflite(withoutWeights(readPublished("face_detection", "face_detection_short_range"))),
      true,
    ],
    ["face detection", 600, () => readPublished("face_detection", "face_detection_short_range"), false],
    [
      "sparse face detection",
      300,
      () => readPublished("face_detection", "face_detection_full_range_sparse"),
      false,
    ],
    ["hand landmarks", 150, () => readPublished("hands", "hand_landmark_lite"), false],
  ] as const)("%s, damaged %i times", (name, times, base, rewrite) => {
    const file = new Uint8Array(base());
    let read = 0;
    let slowest = 0;
    for (let seed = 0; seed < times; seed++) {
      const bytes = mutate(file, createRandom(seed));
      const start = performance.now();
      try {
        if (survives(bytes, rewrite)) read++;
      } catch (error) {
        throw new Error(`${name}, seed ${seed}`, { cause: error });
      }
      slowest = Math.max(slowest, performance.now() - start);
    }
    // Both outcomes must occur, or the damage is not what this test is about.
    expect(read).toBeGreaterThan(times / 50);
    expect(times - read).toBeGreaterThan(times / 10);
    // A bound against hanging, far above what a loaded machine needs.
    expect(slowest).toBeLessThan(10_000);
  });
});

/** The same graph with activations in the place of weights: small, so that damage hits tables. */
function withoutWeights(bytes: Uint8Array): ReturnType<typeof readTflite> {
  const graph = readTflite(bytes, "published");
  for (const { tensors } of graph.subgraphs) for (const tensor of tensors) tensor.data = null;
  return graph;
}
