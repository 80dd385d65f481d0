/** Damaged and hostile .onnx files: a graph that can be written, or one clear line. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { readOnnx } from "../../src-main/model/onnx/onnxReader.ts";
import { createRandom, type Random } from "../../src-main/model/random.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { OnnxNetwork } from "./onnxFiles.ts";
import { testNetworks } from "./onnxNetworks.ts";

/** Bytes that mean something in protobuf: ends of varints, the largest ones, tags of the fields that matter. */
const telling = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12, 0x22, 0x2a, 0x3a, 0x40, 0x4a, 0x5a];

/** Damages a copy of a file in one of the ways files get damaged, or an attacker would try. */
function mutate(file: Uint8Array, random: Random): Uint8Array {
  const kind = random.int(0, 5);
  if (kind === 0) return file.slice(0, random.int(0, file.length));
  let bytes = file.slice();
  const place = (room = 1) => random.int(0, bytes.length - room);
  for (let times = random.int(1, 5); times > 0; times--) {
    if (kind === 1) bytes[place()]! ^= 1 << random.int(0, 7);
    else if (kind === 2) bytes[place()] = random.pick(telling);
    // Sizes, axes, groups and counts that are off by a little.
    else if (kind === 3) bytes[place()]! += random.int(-2, 2);
    else if (kind === 4) {
      const at = place(10);
      bytes.fill(0xff, at, at + random.int(4, 9));
    } else {
      const length = random.int(1, Math.min(48, bytes.length >> 2));
      const [from, to] = [place(length), place()];
      const block = bytes.slice(from, from + length);
      // Doubled, or in the place of something else.
      bytes = random.chance(0.5)
        ? Uint8Array.from([...bytes.subarray(0, to), ...block, ...bytes.subarray(to)])
        : bytes;
      if (to + length <= bytes.length) bytes.set(block, to);
    }
  }
  return bytes;
}

/** Reads a file to the end of everything the lab does with it; true when it was a network, false when it was refused in a line. */
function survives(bytes: Uint8Array): boolean {
  let graph;
  try {
    graph = readOnnx(bytes, "damaged.onnx");
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== "model-unreadable") throw error;
    expect(error.message).toMatch(/^damaged\.onnx cannot be read as ONNX: [^\n]{3,900}$/);
    return false;
  }
  const detail = inspectGraph(graph, "damaged", bytes.length);
  expect(Number.isFinite(detail.flops + detail.params)).toBe(true);
  let written;
  try {
    written = writeTflite(graph);
  } catch (error) {
    if (error instanceof LabError && error.code === "model-unwritable") return true;
    throw error;
  }
  expect(Buffer.compare(writeTflite(readTflite(written, "damaged")), written)).toBe(0);
  return true;
}

describe("damaged files are read or refused, and nothing else", () => {
  it.each(testNetworks.map(({ name, build }) => [name, build] as const))("%s", (name, build) => {
    // A copy: slices of what the encoder gives would share their memory.
    const file = new Uint8Array(build().encode());
    const times = 400;
    let read = 0;
    let slowest = 0;
    for (let seed = 0; seed < times; seed++) {
      const bytes = mutate(file, createRandom(seed));
      const start = performance.now();
      try {
        if (survives(bytes)) read++;
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

  it("cut at every byte", () => {
    const whole = testNetworks
      .find(({ name }) => name === "softmax of operator set 11")!
      .build()
      .encode();
    const ended = Array.from(whole, (_, length) => survives(whole.subarray(0, length)));
    // The last field is the version of the operators, without which nothing is read.
    expect(ended.filter(Boolean).length).toBe(0);
    expect(survives(whole)).toBe(true);
  });
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Buffers are freed beside the program; the second collection waits for the first one's. */
function collectAll(): void {
  collectGarbage();
  collectGarbage();
}

function measureSince(before: NodeJS.MemoryUsage): number {
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed;
}

describe("small files that describe large networks", () => {
  const refuse = (describe: (net: OnnxNetwork, x: string) => string, shape = [1, 3, 8, 8]) => {
    const net = new OnnxNetwork(17);
    const file = net.output(describe(net, net.input(shape))).encode();
    collectAll();
    const before = process.memoryUsage();
    let message = "";
    try {
      readOnnx(file, "damaged.onnx");
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      message = error.message;
    }
    // All that was ever allocated, collected or not: at most 2^25 folded elements of 8 bytes, and copies of half of them.
    expect(measureSince(before)).toBeLessThan(1.5 * 2 ** 25 * 8 + 100e6);
    // And what is kept of it.
    collectAll();
    expect(measureSince(before)).toBeLessThan(400e6);
    return message;
  };
  const huge = 2 ** 40;

  it.each<[string, (net: OnnxNetwork, x: string) => string]>([
    [
      "a weight without its numbers",
      (net, x) =>
        net.node("Conv", [
          x,
          net.tensor({ shape: [2 ** 20, 3, 2 ** 10, 2 ** 10], type: "float", values: [] }, "w"),
        ]),
    ],
    [
      "a weight of more elements than can be counted",
      (net, x) =>
        net.node("Add", [x, net.tensor({ shape: [huge, huge, huge], type: "float", values: [] }, "w")]),
    ],
    [
      "zeros filled in",
      (net, x) => net.node("Add", [x, net.node("ConstantOfShape", [net.constant([huge, 8])])]),
    ],
    [
      "a long range",
      (net, x) => {
        const range = net.node("Range", [
          net.constant([0], []),
          net.constant([2 ** 50], []),
          net.constant([1], []),
        ]);
        return net.node("Add", [x, net.node("Cast", [range], { to: 1 })]);
      },
    ],
    [
      "a constant that doubles",
      (net, x) => {
        let y = net.constant([1, 2, 3, 4]);
        for (let step = 0; step < 60; step++) y = net.node("Concat", [y, y], { axis: 0 });
        return net.node("Add", [x, net.node("Cast", [y], { to: 1 })]);
      },
    ],
    [
      "a constant spread",
      (net, x) =>
        net.node("Add", [x, net.node("Expand", [net.floats([1], "one"), net.constant([2 ** 31, 8, 8])])]),
    ],
    ["an image spread", (net, x) => net.node("Tile", [x, net.constant([1, 1, 2 ** 30, 2 ** 30])])],
    ["an image padded", (net, x) => net.node("Pad", [x, net.constant([0, 0, huge, huge, 0, 0, huge, huge])])],
    [
      "an image enlarged",
      (net, x) => net.node("Resize", [x, "", net.floats([1, 1, 1e9, 1e9], "scales")], { mode: "linear" }),
    ],
    [
      "a value that doubles",
      (net, x) => {
        for (let step = 0; step < 60; step++) x = net.node("Concat", [x, x], { axis: 3 });
        return x;
      },
    ],
  ])("%s", (_, describe) => {
    expect(refuse(describe)).toMatch(/^damaged\.onnx cannot be read as ONNX: [^\n]{3,900}$/);
  });

  it("messages inside of messages", () => {
    // A graph in an attribute of a node of a graph and so on: a field of bytes of which the rest of the file is the content.
    const depth = 200_000;
    const bytes = new Uint8Array(3 * depth).fill(0x0a);
    for (let level = 0; level < depth; level++) bytes.set([0x3a, 0xff, 0x7f], 3 * level);
    expect(survives(bytes)).toBe(false);
  });

  it("ten thousand nodes that do nothing are no network of ten thousand ops", () => {
    const net = new OnnxNetwork(17);
    let x = net.input([1, 3, 8, 8]);
    for (let step = 0; step < 10_000; step++) x = net.node("Identity", [x]);
    expect(survives(net.output(net.conv(x, [4, 3, 1, 1])).encode())).toBe(true);
  });
});
