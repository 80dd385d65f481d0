import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { halfBits, halfValue } from "../../src-main/model/constants.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { fillUniform } from "../../src-main/model/random.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import {
  constant,
  densePublished,
  describeGraph,
  everythingGraph,
  network,
  op,
  readPublished,
  tensor,
  weights,
} from "./tfliteGraphs.ts";

function constantBytes(graph: Graph, index: number): Uint8Array {
  const { data } = graph.subgraphs[0]!.tensors[index]!;
  if (data?.kind !== "bytes") throw new Error("no constant");
  return data.bytes;
}

function refusal(graph: Graph): string {
  try {
    writeTflite(graph);
  } catch (error) {
    if (error instanceof LabError && error.code === "model-unwritable") return error.message;
    throw error;
  }
  throw new Error("it was written");
}

describe("writing and reading back", () => {
  it("gives the same graph, with constants as bytes", () => {
    const graph = everythingGraph();
    const back = readTflite(writeTflite(graph), "folder/everything.tflite");
    expect(back.name).toBe("everything");
    expect(back.description).toBe(graph.description);
    expect(back.metadata[0]).toEqual(graph.metadata[0]);
    expect(back.metadata[1]!.bytes).toHaveLength(0);
    graph.subgraphs.forEach((subgraph, place) => {
      const read = back.subgraphs[place]!;
      expect(read.inputs).toEqual(subgraph.inputs);
      expect(read.outputs).toEqual(subgraph.outputs);
      expect(read.name).toBe(subgraph.name);
      const plain = (list: typeof read.tensors) => list.map((one) => ({ ...one, data: one.data !== null }));
      expect(plain(read.tensors)).toEqual(plain(subgraph.tensors));
      expect(read.ops.map((one) => ({ ...one, attributes: null }))).toEqual(
        subgraph.ops.map((one) => ({ ...one, attributes: null })),
      );
      read.ops.forEach((one, index) => expect(one.attributes).toMatchObject(subgraph.ops[index]!.attributes));
    });
  });

  it("is byte-identical the second time", () => {
    const first = writeTflite(everythingGraph());
    expect(writeTflite(everythingGraph())).toEqual(first);
    expect(Buffer.compare(writeTflite(readTflite(first, "first")), first)).toBe(0);
  });

  it.each(densePublished)("is byte-identical for %s/%s from its first writing on", (name, file) => {
    const read = readTflite(readPublished(name, file), file);
    const first = writeTflite(read);
    const second = readTflite(first, file);
    expect(Buffer.compare(writeTflite(second), first)).toBe(0);
    expect(describeGraph(second) === describeGraph(read)).toBe(true);
  });

  it("keeps a constant that tensors share in one buffer", () => {
    const back = readTflite(writeTflite(everythingGraph()), "everything");
    const [main, branch] = back.subgraphs;
    expect(main!.tensors[8]!.data).toBe(main!.tensors[9]!.data);
    expect(main!.tensors[8]!.data).toBe(branch!.tensors[1]!.data);
  });
});

describe("constants", () => {
  it("are drawn from their seed, uniform within ± limit", () => {
    const graph = network(
      [tensor("x", [1, 500]), weights("w", [400, 500], 42, 0.25), tensor("y", [1, 400])],
      [0],
      [2],
      [op("FULLY_CONNECTED", [0, 1, -1], [2])],
    );
    const bytes = constantBytes(readTflite(writeTflite(graph), "drawn"), 1);
    const expected = new Float32Array(200_000);
    fillUniform(expected, 42, 0.25);
    const drawn = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect(Buffer.compare(bytes, new Uint8Array(expected.buffer))).toBe(0);
    expect(Math.max(...drawn.subarray(0, 50_000))).toBeLessThanOrEqual(0.25);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const square = drawn.reduce((sum, value) => sum + value * value, 0) / drawn.length;
    expect(Math.abs(mean)).toBeLessThan(0.002);
    expect(square).toBeCloseTo(0.25 ** 2 / 3, 3);
  });

  it("start at multiples of 16 bytes in the file", () => {
    const file = writeTflite(everythingGraph());
    for (const subgraph of readTflite(file, "aligned").subgraphs)
      for (const { data } of subgraph.tensors)
        if (data?.kind === "bytes") expect((data.bytes.byteOffset - file.byteOffset) % 16).toBe(0);
  });

  it.each([
    ["float32", [1, -2.5], [0, 0, 128, 63, 0, 0, 32, 192]],
    ["float64", [1], [0, 0, 0, 0, 0, 0, 240, 63]],
    ["float16", [1, -2], [0, 60, 0, 192]],
    ["bfloat16", [1, -2.5], [128, 63, 32, 192]],
    ["int8", [-1, 127], [255, 127]],
    ["uint8", [0, 200], [0, 200]],
    ["int16", [-2], [254, 255]],
    ["int32", [-1, 258], [255, 255, 255, 255, 2, 1, 0, 0]],
    ["uint32", [2 ** 32 - 1], [255, 255, 255, 255]],
    ["int64", [-2], [254, 255, 255, 255, 255, 255, 255, 255]],
    ["bool", [1, 0, 5], [1, 0, 1]],
    ["int4", [1, -1, 7], [0xf1, 0x07]],
  ] as const)("of type %s are stored little-endian: %j", (dtype, values, bytes) => {
    const graph = network([constant("c", [values.length], [...values], dtype)], [], [0], []);
    expect([...constantBytes(readTflite(writeTflite(graph), "stored"), 0)]).toEqual(bytes);
  });

  it("convert to half precision and back as the format defines, ties to even", () => {
    const known: [number, number][] = [
      [0, 0],
      [-0, 0x8000],
      [1, 0x3c00],
      [65504, 0x7bff],
      [65519.99, 0x7bff],
      [65520, 0x7c00],
      [-Infinity, 0xfc00],
      [2 ** -24, 1],
      [2 ** -25, 0],
      [1.5 * 2 ** -24, 2],
      [2 ** -14, 0x0400],
      [1 + 2 ** -11, 0x3c00],
      [1 + 3 * 2 ** -11, 0x3c02],
    ];
    for (const [value, bits] of known) expect(halfBits(value), String(value)).toBe(bits);
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfValue(bits);
      if (!Number.isNaN(value) && halfBits(value) !== bits) expect([bits, halfBits(value)]).toBeNull();
    }
    expect(halfBits(NaN) & 0x7c00).toBe(0x7c00);
    expect(halfValue(halfBits(NaN))).toBeNaN();
  });
});

describe("what cannot be written", () => {
  const pair = () => [tensor("x", [2]), tensor("y", [2])];

  it.each([
    [
      "an unknown operator",
      network(pair(), [0], [1], [op("CONVOLVE", [0], [1])]),
      "CONVOLVE is not a TFLite operator",
    ],
    [
      "options without a table",
      network(pair(), [0], [1], [op("LOGISTIC", [0], [1], { attributes: { slope: 2 } })]),
      "no options but the attribute slope",
    ],
    [
      "a misspelt attribute",
      network(pair(), [0], [1], [op("CONV_2D", [0], [1], { attributes: { stride: 2 } })]),
      "Conv2DOptions has no attribute stride",
    ],
    [
      "a value that is no padding",
      network(pair(), [0], [1], [op("CONV_2D", [0], [1], { attributes: { padding: "FULL" } })]),
      "the attribute padding cannot be FULL",
    ],
    [
      "options newer than this program",
      network(
        pair(),
        [0],
        [1],
        [op("BUILTIN_250", [0], [1], { attributes: { optionsTable: "BuiltinOptions2 99" } })],
      ),
      "its options (BuiltinOptions2 99) are not known",
    ],
    ["a tensor that is not there", network(pair(), [0], [1], [op("ABS", [7], [1])]), "tensor 7 of 2"],
    [
      "a constant of the wrong length",
      network([constant("c", [3], [1, 2])], [], [0], []),
      "its constant has 2 values where its shape needs 3",
    ],
    [
      "a sparse constant",
      network([tensor("c", [3], { sparse: true })], [], [0], []),
      "the sparse encoding of the tensor c",
    ],
    ["no subgraph", { name: "none", description: "", subgraphs: [], metadata: [] }, "it has no subgraph"],
    ["more than 2 GiB", network([weights("w", [2 ** 15, 2 ** 15], 1)], [], [0], []), "larger than 2 GiB"],
  ])("%s", (_, graph, problem) => {
    expect(refusal(graph)).toContain(problem);
  });

  it("includes a published file with sparse constants, whose encoding the graph only notes", () => {
    const graph = readTflite(readPublished("face_detection", "face_detection_full_range_sparse"), "sparse");
    expect(refusal(graph)).toContain("sparse encoding");
  });
});
