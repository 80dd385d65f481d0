import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { estimateFileBytes } from "../../src-main/model/fileSize.ts";
import { mainSubgraph, type Graph, type Tensor } from "../../src-main/model/graph.ts";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { isQuantized, quantizeGraph } from "../../src-main/model/quantize.ts";
import { scaleActivations, scaleWeights } from "../../src-main/model/quantizationScale.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { constant, everythingGraph, network, op, tensor, weights } from "./tfliteGraphs.ts";

// Rules by the "LiteRT 8-bit quantization specification", https://ai.google.dev/edge/litert/models/quantization_spec,
// versions by TFLite's lite/tools/versioning/op_version.cc.

function build(body: (b: GraphBuilder, x: Value) => Value | Value[], shape = [1, 6, 6, 4]): Graph {
  const builder = new GraphBuilder("net", { seed: 5 });
  return builder.build(body(builder, builder.input(shape)));
}

function opsOf(graph: Graph): string[] {
  return mainSubgraph(graph).ops.map(({ type, version }) => `${type} ${version}`);
}

/** Input and output tensors of the first op of a type. */
function find(graph: Graph, type: string): { inputs: Tensor[]; outputs: Tensor[] } {
  const { ops, tensors } = mainSubgraph(graph);
  const found = ops.find((candidate) => candidate.type === type)!;
  return { inputs: found.inputs.map((at) => tensors[at]!), outputs: found.outputs.map((at) => tensors[at]!) };
}

const scaleOf = ({ quantization }: Tensor) => [quantization!.scales[0], quantization!.zeroPoints[0]];

describe("scales", () => {
  it.each([
    { range: [0, 6] as const, scale: 6 / 255, zeroPoint: -128 },
    { range: [-1, 1] as const, scale: 2 / 255, zeroPoint: 0 },
    // 0 is taken into a range that lacks it.
    { range: [2, 5.1] as const, scale: 0.02, zeroPoint: -128 },
    { range: [-5.1, -2] as const, scale: 0.02, zeroPoint: 127 },
    { range: [-1.28, 1.27] as const, scale: 0.01, zeroPoint: 0 },
    { range: [0, 0] as const, scale: 1, zeroPoint: -128 },
  ])("activations in $range have 255 steps of $scale around $zeroPoint", ({ range, scale, zeroPoint }) => {
    const found = scaleActivations(range);
    expect(found.scale).toBeCloseTo(scale, 7);
    // −1 to 1 has no step at its middle; either neighbour will do.
    expect(Math.abs(found.zeroPoint - zeroPoint)).toBeLessThanOrEqual(range[0] === -1 ? 1 : 0);
    expect(Math.fround(found.scale)).toBe(found.scale);
  });

  it("refuses what is no range", () => {
    expect(() => scaleActivations([1, 0])).toThrow("1 to 0 is no range");
    expect(() => scaleActivations([0, Infinity])).toThrow("0 to Infinity is no range");
  });

  it("weights are symmetric in ±127 and never at scale 0", () => {
    expect(scaleWeights(12.7)).toBeCloseTo(0.1, 7);
    expect(scaleWeights(0)).toBe(1);
    expect(scaleWeights(1e-44)).toBeGreaterThan(1e-38);
  });
});

describe("a quantised network", () => {
  it("has int8 ends and no conversion at them", () => {
    const graph = quantizeGraph(build((b, x) => b.fullyConnected(b.globalAveragePool(b.conv(x, 8, 3)), 10)));
    const { tensors, inputs, outputs } = mainSubgraph(graph);
    expect([...inputs, ...outputs].map((at) => tensors[at]!.dtype)).toEqual(["int8", "int8"]);
    expect(opsOf(graph)).toEqual(["CONV_2D 3", "MEAN 2", "FULLY_CONNECTED 4"]);
    expect(inspectGraph(graph, "net", 0)).toMatchObject({
      quantized: true,
      inputs: [{ dtype: "int8" }],
      outputs: [{ dtype: "int8" }],
    });
  });

  it.each([
    { type: "CONV_2D", body: (b: GraphBuilder, x: Value) => b.conv(x, 8, 3), axis: 0, scales: 8 },
    { type: "DEPTHWISE_CONV_2D", body: (b: GraphBuilder, x: Value) => b.depthwise(x, 3), axis: 3, scales: 4 },
    {
      type: "FULLY_CONNECTED",
      body: (b: GraphBuilder, x: Value) => b.fullyConnected(x, 8),
      axis: 0,
      scales: 1,
    },
  ])(
    "$type has int8 weights with $scales scales on axis $axis and an int32 bias at the products' scale",
    (c) => {
      const { inputs } = find(quantizeGraph(build(c.body)), c.type);
      const [x, filter, bias] = inputs as [Tensor, Tensor, Tensor];
      expect([x.dtype, filter.dtype, bias.dtype]).toEqual(["int8", "int8", "int32"]);
      expect(filter.quantization).toMatchObject({
        axis: c.axis,
        zeroPoints: Array<number>(c.scales).fill(0),
      });
      expect(bias.quantization!.scales).toEqual(
        filter.quantization!.scales.map((scale) => Math.fround(scale * x.quantization!.scales[0]!)),
      );
      expect(bias.quantization!.zeroPoints).toEqual(Array<number>(c.scales).fill(0));
    },
  );

  it("scales the slices of stored weights each by its own largest", () => {
    const graph = network(
      [
        tensor("x", [1, 1, 1, 2]),
        constant("w", [2, 1, 1, 2], [1, -2, 0.25, 0.5]),
        constant("b", [2], [1, -1]),
        tensor("y", [1, 1, 1, 2]),
      ],
      [0],
      [3],
      [op("CONV_2D", [0, 1, 2], [3])],
    );
    const stored = readTflite(writeTflite(graph), "stored");
    for (const source of [graph, stored]) {
      const { inputs } = find(
        quantizeGraph(source, { calibration: new Map([[0, [-1.28, 1.27]]]) }),
        "CONV_2D",
      );
      const [, filter, bias] = inputs as [Tensor, Tensor, Tensor];
      expect(filter.quantization!.scales).toEqual([2, 0.5].map((largest) => Math.fround(largest / 127)));
      const file = readTflite(
        writeTflite(quantizeGraph(source, { calibration: new Map([[0, [-1.28, 1.27]]]) })),
        "q",
      );
      const read = find(file, "CONV_2D").inputs;
      expect([...int8Of(read[1]!)]).toEqual([64, -127, 64, 127]);
      expect([...int32Of(read[2]!)]).toEqual(
        [1, -1].map(
          (value, at) => Math.round(Math.abs(value) / bias.quantization!.scales[at]!) * Math.sign(value),
        ),
      );
    }
  });

  it("gives a channel of tiny weights the scale its bias needs", () => {
    const graph = network(
      [
        tensor("x", [1, 1, 1, 1]),
        constant("w", [2, 1, 1, 1], [1e-30, 0]),
        constant("b", [2], [3, 5]),
        tensor("y", [1, 1, 1, 2]),
      ],
      [0],
      [3],
      [op("CONV_2D", [0, 1, 2], [3])],
    );
    const { inputs } = find(readTflite(writeTflite(quantizeGraph(graph)), "q"), "CONV_2D");
    const { scales } = inputs[2]!.quantization!;
    expect(int32Of(inputs[2]!)[0]! * scales[0]!).toBeCloseTo(3, 5);
    expect(int32Of(inputs[2]!)[1]! * scales[1]!).toBeCloseTo(5, 5);
  });

  it.each([
    { type: "LOGISTIC", body: (b: GraphBuilder, x: Value) => b.sigmoid(x), scale: [1 / 256, -128] },
    { type: "SOFTMAX", body: (b: GraphBuilder, x: Value) => b.softmax(x), scale: [1 / 256, -128] },
    { type: "TANH", body: (b: GraphBuilder, x: Value) => b.tanh(x), scale: [1 / 128, 0] },
  ])("$type gives its output at the scale its kernel is made for", ({ type, body, scale }) => {
    const graph = quantizeGraph(build(body), { calibration: new Map([[1, [0, 0.5]]]) });
    expect(scaleOf(find(graph, type).outputs[0]!)).toEqual(scale);
  });

  it.each<[string, (b: GraphBuilder, x: Value) => Value | Value[]]>([
    ["MAX_POOL_2D", (b, x) => b.maxPool(x, 2)],
    ["AVERAGE_POOL_2D", (b, x) => b.averagePool(x, 2)],
    ["RESHAPE", (b, x) => b.reshape(x, [1, -1])],
    ["TRANSPOSE", (b, x) => b.transpose(x, [0, 3, 1, 2])],
    [
      "PAD",
      (b, x) =>
        b.pad(x, [
          [0, 0],
          [1, 1],
          [1, 1],
          [0, 0],
        ]),
    ],
    ["SPLIT", (b, x) => b.split(x, 2)],
    ["SLICE", (b, x) => b.slice(x, [0, 0, 0, 0], [1, 2, 2, 2])],
    ["STRIDED_SLICE", (b, x) => b.stridedSlice(x, [0, 0, 0, 0], [1, 2, 2, 2])],
    ["RESIZE_BILINEAR", (b, x) => b.resizeBilinear(x, [9, 9])],
    ["RESIZE_NEAREST_NEIGHBOR", (b, x) => b.resizeNearest(x, [9, 9])],
    ["CONCATENATION", (b, x) => b.concat([x, b.conv(x, 4, 1)])],
    ["MAXIMUM", (b, x) => b.maximum(x, b.conv(x, 4, 1))],
    ["MINIMUM", (b, x) => b.minimum(x, b.scalar(0.5))],
  ])("%s reads and writes at one scale", (type, body) => {
    // Ranges that differ from tensor to tensor would show.
    const source = build(body);
    const calibration = new Map(
      mainSubgraph(source).tensors.map((_, index) => [index, [-1 - index, 1 + index] as const] as const),
    );
    const { inputs, outputs } = find(quantizeGraph(source, { calibration }), type);
    const real = [...inputs, ...outputs].filter(({ dtype }) => dtype === "int8");
    expect(real.length).toBeGreaterThan(1);
    expect(new Set(real.map((each) => scaleOf(each).join())).size).toBe(1);
  });

  it("converts what meets at one scale but has a fixed one", () => {
    const graph = quantizeGraph(
      build((b, x) => b.concat([x, b.reshape(b.softmax(x), [1, 6, 6, 4]), b.tanh(x)])),
    );
    expect(opsOf(graph)).toEqual([
      "SOFTMAX 2",
      "RESHAPE 1",
      "TANH 2",
      "QUANTIZE 1",
      "QUANTIZE 1",
      "CONCATENATION 2",
    ]);
    expect(scaleOf(find(graph, "RESHAPE").outputs[0]!)).toEqual([1 / 256, -128]);
  });

  it("keeps fixed scales together where they agree", () => {
    const graph = quantizeGraph(build((b, x) => b.concat([b.softmax(x), b.sigmoid(x)])));
    expect(opsOf(graph)).toEqual(["SOFTMAX 2", "LOGISTIC 2", "CONCATENATION 2"]);
    expect(scaleOf(find(graph, "CONCATENATION").outputs[0]!)).toEqual([1 / 256, -128]);
  });

  it("leaves ops without an int8 kernel in float, which inspect shows", () => {
    const graph = quantizeGraph(
      build((b, x) => b.conv(b.div(b.unary("SQRT", b.relu(x)), b.add(b.sigmoid(x), b.scalar(1))), 4, 1)),
    );
    const detail = inspectGraph(graph, "net", 0);
    expect(detail.ops.map(({ op: type }) => type)).toEqual([
      "RELU",
      "DEQUANTIZE",
      "SQRT",
      "LOGISTIC",
      "ADD",
      "DEQUANTIZE",
      // Between two float ops nothing is converted.
      "DIV",
      "QUANTIZE",
      "CONV_2D",
    ]);
    expect(find(graph, "DIV").inputs.map(({ dtype }) => dtype)).toEqual(["float32", "float32"]);
  });

  it("leaves integers alone: indices, shapes and axes", () => {
    const graph = network(
      [tensor("ids", [3], { dtype: "int32" }), weights("table", [10, 4], 1), tensor("y", [3, 4])],
      [0],
      [2],
      [op("GATHER", [1, 0], [2], { attributes: { axis: 0, batchDims: 0 } })],
    );
    const { inputs, outputs } = find(quantizeGraph(graph), "GATHER");
    expect(inputs.map(({ dtype }) => dtype)).toEqual(["int8", "int32"]);
    expect(scaleOf(inputs[0]!)).toEqual(scaleOf(outputs[0]!));
  });

  it.each([
    [
      "half-pixel resizing",
      3,
      (b: GraphBuilder, x: Value) => b.resizeBilinear(x, [9, 9], { halfPixelCenters: true }),
    ],
    ["a transposed convolution with bias", 3, (b: GraphBuilder, x: Value) => b.transposeConv(x, 4, 3)],
    [
      "a transposed convolution without",
      2,
      (b: GraphBuilder, x: Value) => b.transposeConv(x, 4, 3, { bias: false }),
    ],
    ["keepDims", 5, (b: GraphBuilder, x: Value) => b.fullyConnected(x, 4)],
    ["a dilated depthwise convolution", 3, (b: GraphBuilder, x: Value) => b.depthwise(x, 3, { dilation: 2 })],
  ])("%s needs operator version %i", (_, version, body) => {
    expect(mainSubgraph(quantizeGraph(build(body))).ops.map((each) => each.version)).toEqual([version]);
  });

  it("gives MUL the version that knows factors of 1 and more", () => {
    const source = build((b, x) => b.mul(x, b.conv(x, 4, 1)));
    const ranges = (y: number) =>
      new Map(
        mainSubgraph(source).tensors.map(
          (_, at, all) => [at, at === all.length - 1 ? [-y, y] : [-500, 500]] as [number, [number, number]],
        ),
      );
    expect(opsOf(quantizeGraph(source, { calibration: ranges(1) }))).toContain("MUL 3");
    expect(opsOf(quantizeGraph(source, { calibration: ranges(5e5) }))).toContain("MUL 2");
  });

  it("draws its ranges from the seed, all within what the op can give", () => {
    const source = build((b, x) => b.relu6(b.conv(x, 8, 3)));
    expect(quantizeGraph(source, { seed: 1 })).toEqual(quantizeGraph(source, { seed: 1 }));
    const [one, two] = [1, 2].map((seed) => find(quantizeGraph(source, { seed }), "CONV_2D").outputs[0]!);
    expect(scaleOf(one!)).not.toEqual(scaleOf(two!));
    const [scale, zeroPoint] = scaleOf(find(quantizeGraph(source), "RELU6").outputs[0]!);
    expect(zeroPoint).toBe(-128);
    expect(scale).toBeLessThanOrEqual(6 / 255 + 1e-9);
  });
});

describe("drawn weights", () => {
  it("are the rounded weights of the float network, in JSON and in the file", () => {
    const source = sampleNetwork(3, 1).graph;
    const quantized = quantizeGraph(source);
    const again = JSON.parse(JSON.stringify(quantized)) as Graph;
    expect(again).toEqual(quantized);
    const file = readTflite(writeTflite(again), source.name);
    const float = readTflite(writeTflite(source), source.name);
    const floats = new Map(mainSubgraph(float).tensors.map((each) => [each.name, each]));
    let checked = 0;
    for (const each of mainSubgraph(file).tensors) {
      if (each.data?.kind !== "bytes" || !each.quantization) continue;
      const { scales, zeroPoints } = each.quantization;
      const stored = each.dtype === "int8" ? int8Of(each) : int32Of(each);
      const real = floatsOf(floats.get(each.name)!);
      let worst = 0;
      for (let at = 0; at < stored.length; at++)
        worst = Math.max(worst, Math.abs((stored[at]! - zeroPoints[0]!) * scales[0]! - real[at]!));
      expect(worst).toBeLessThanOrEqual(scales[0]! * 0.5001);
      checked++;
    }
    expect(checked).toBeGreaterThan(20);
  });

  it("make a file a quarter as large, whose graph is the one that was written", () => {
    const { graph, bytes } = sampleNetwork(4, 0);
    const quantized = quantizeGraph(graph);
    const file = writeTflite(quantized);
    expect(file.length / bytes).toBeGreaterThan(0.25);
    expect(file.length / bytes).toBeLessThan(0.28);
    expect(Math.abs(estimateFileBytes(quantized) / file.length - 1)).toBeLessThan(0.01);
    const read = readTflite(file, graph.name);
    // The reader also tells attributes that are at their defaults.
    expect(withoutData(read)).toMatchObject(withoutData(quantized));
    expect(Buffer.compare(Buffer.from(writeTflite(read)), Buffer.from(file))).toBe(0);
  });
});

describe("what has no int8 form", () => {
  const plain = build((b, x) => b.relu(x));
  it.each<[string, Graph, string]>([
    ["a quantised network", quantizeGraph(plain), "it is quantised already"],
    ["several subgraphs", everythingFloat(), "it has 2 subgraphs"],
    [
      "float16",
      network(
        [tensor("x", [2], { dtype: "float16" }), tensor("y", [2])],
        [0],
        [1],
        [op("DEQUANTIZE", [0], [1])],
      ),
      "the tensor x is float16",
    ],
    [
      "sparse weights",
      network([tensor("x", [2], { sparse: true }), tensor("y", [2])], [0], [1], [op("RELU", [0], [1])]),
      "is stored sparse",
    ],
    [
      "integers only",
      network(
        [tensor("x", [2], { dtype: "int32" }), tensor("y", [2], { dtype: "int32" })],
        [0],
        [1],
        [op("ABS", [0], [1])],
      ),
      "it has no float32 tensor",
    ],
    [
      "weights that are not finite",
      network(
        [tensor("x", [1, 2]), constant("w", [1, 2], [1, Infinity]), tensor("y", [1, 1])],
        [0],
        [2],
        [op("FULLY_CONNECTED", [0, 1], [2])],
      ),
      "the tensor w holds numbers that are not finite",
    ],
  ])("%s: one line", (_, graph, reason) => {
    expect(() => quantizeGraph(graph)).toThrow(
      expect.objectContaining({
        code: "model-unwritable",
        message: expect.stringContaining(reason) as string,
        hint: expect.stringMatching(/float32/) as string,
      }) as Error,
    );
  });

  it("tells quantised networks from others", () => {
    expect([plain, quantizeGraph(plain)].map(isQuantized)).toEqual([false, true]);
  });
});

// The graph with one of everything, without what makes it quantised.
function everythingFloat(): Graph {
  const graph = everythingGraph();
  for (const { tensors } of graph.subgraphs)
    for (const each of tensors) if (!each.dtype.includes("float")) each.quantization = null;
  return graph;
}

function bytesOf({ data }: Tensor): Uint8Array {
  if (data?.kind !== "bytes") throw new Error("no constant");
  return data.bytes.slice();
}

const int8Of = (each: Tensor) => new Int8Array(bytesOf(each).buffer);
const int32Of = (each: Tensor) => new Int32Array(bytesOf(each).buffer);
const floatsOf = (each: Tensor) => new Float32Array(bytesOf(each).buffer);

/** A graph with constants only told to be there. */
function withoutData(graph: Graph): object {
  return {
    ...graph,
    subgraphs: graph.subgraphs.map((subgraph) => ({
      ...subgraph,
      tensors: subgraph.tensors.map((each) => ({ ...each, data: each.data !== null })),
    })),
  };
}
