import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import type { Graph, Op, Tensor } from "../../src-main/model/graph.ts";

function buildOn(shape: number[], body: (builder: GraphBuilder, x: Value) => Value | Value[]): Graph {
  const builder = new GraphBuilder("net", { seed: 5 });
  return builder.build(body(builder, builder.input(shape)));
}

function outputShapes(graph: Graph): number[][] {
  const { tensors, outputs } = mainSubgraph(graph);
  return outputs.map((index) => tensors[index]!.shape);
}

function shapeOf(shape: number[], body: (builder: GraphBuilder, x: Value) => Value): number[] {
  return outputShapes(buildOn(shape, body))[0]!;
}

function opTypes(graph: Graph): string[] {
  return mainSubgraph(graph).ops.map((op) => op.type);
}

function findOp(graph: Graph, type: string): { op: Op; inputs: Tensor[]; outputs: Tensor[] } {
  const { ops, tensors } = mainSubgraph(graph);
  const op = ops.find((candidate) => candidate.type === type)!;
  const resolve = (indices: number[]) => indices.map((index) => tensors[index]!);
  return { op, inputs: resolve(op.inputs), outputs: resolve(op.outputs) };
}

describe("convolution", () => {
  test.each([
    // The first layers of MobileNet (SAME), Inception v3 (VALID), DeepLab (dilated) and ResNet (explicit 3).
    { input: 224, kernel: 3, stride: 2, padding: "same" as const, dilation: 1, output: 112 },
    { input: 299, kernel: 3, stride: 2, padding: "valid" as const, dilation: 1, output: 149 },
    { input: 33, kernel: 3, stride: 1, padding: "same" as const, dilation: 12, output: 33 },
    { input: 33, kernel: 3, stride: 1, padding: "valid" as const, dilation: 12, output: 9 },
    { input: 224, kernel: 7, stride: 2, padding: 3, dilation: 1, output: 112 },
    { input: 7, kernel: 2, stride: 3, padding: "valid" as const, dilation: 1, output: 2 },
    { input: 7, kernel: 5, stride: 3, padding: "same" as const, dilation: 1, output: 3 },
  ])(
    "$input with kernel $kernel, stride $stride, dilation $dilation, padding $padding gives $output",
    (c) => {
      const { kernel, stride, padding, dilation, output } = c;
      const options = { stride, padding, dilation };
      expect(shapeOf([1, c.input, c.input, 3], (b, x) => b.conv(x, 8, kernel, options))).toEqual([
        1,
        output,
        output,
        8,
      ]);
    },
  );

  test("heights and widths, kernels and strides may differ", () => {
    const graph = buildOn([2, 30, 50, 4], (b, x) =>
      b.conv(x, 6, [1, 7], { stride: [1, 2], dilation: [1, 3], padding: "valid" }),
    );
    expect(outputShapes(graph)).toEqual([[2, 30, 16, 6]]);
    const { op, inputs } = findOp(graph, "CONV_2D");
    expect(inputs[1]!.shape).toEqual([6, 1, 7, 4]);
    expect(op.attributes).toMatchObject({ strideH: 1, strideW: 2, dilationHFactor: 1, dilationWFactor: 3 });
  });

  test("groups divide the filter's depth", () => {
    const graph = buildOn([1, 8, 8, 32], (b, x) => b.conv(x, 64, 3, { groups: 8 }));
    expect(findOp(graph, "CONV_2D").inputs[1]!.shape).toEqual([64, 3, 3, 4]);
    expect(() => buildOn([1, 8, 8, 32], (b, x) => b.conv(x, 60, 3, { groups: 8 }))).toThrow(
      "conv: 8 groups do not divide 32 input and 60 output channels",
    );
  });

  test("groups as split, convolutions and concat have the same weights in all", () => {
    const graph = buildOn([1, 8, 8, 32], (b, x) => b.groupedConv(x, 64, 3, 4, { stride: 2 }));
    expect(opTypes(graph)).toEqual(["SPLIT", "CONV_2D", "CONV_2D", "CONV_2D", "CONV_2D", "CONCATENATION"]);
    expect(outputShapes(graph)).toEqual([[1, 4, 4, 64]]);
    expect(findOp(graph, "CONV_2D").inputs[1]!.shape).toEqual([16, 3, 3, 8]);
  });

  test("explicit padding is a PAD with constant paddings before a VALID window", () => {
    const graph = buildOn([1, 10, 10, 4], (b, x) => b.conv(x, 4, 3, { padding: [1, 0, 2, 1], stride: 2 }));
    expect(opTypes(graph)).toEqual(["PAD", "CONV_2D"]);
    const pad = findOp(graph, "PAD");
    expect(pad.outputs[0]!.shape).toEqual([1, 11, 13, 4]);
    expect(pad.inputs[1]).toMatchObject({
      shape: [4, 2],
      dtype: "int32",
      data: { kind: "values", values: [0, 0, 1, 0, 2, 1, 0, 0] },
    });
    expect(findOp(graph, "CONV_2D").op.attributes).toMatchObject({ padding: "VALID" });
    expect(outputShapes(graph)).toEqual([[1, 5, 6, 4]]);
    expect(opTypes(buildOn([1, 10, 10, 4], (b, x) => b.conv(x, 4, 1, { padding: 0 })))).toEqual(["CONV_2D"]);
  });

  test("rectifiers are fused, other activations follow as operators", () => {
    const fused = buildOn([1, 4, 4, 3], (b, x) => b.conv(x, 4, 1, { activation: "relu6" }));
    expect(opTypes(fused)).toEqual(["CONV_2D"]);
    expect(findOp(fused, "CONV_2D").op.attributes["fusedActivationFunction"]).toBe("RELU6");
    const types = (activation: "hard-swish" | "swish" | "hard-sigmoid") =>
      opTypes(buildOn([1, 4, 4, 3], (b, x) => b.conv(x, 4, 1, { activation })));
    expect(types("hard-swish")).toEqual(["CONV_2D", "HARD_SWISH"]);
    expect(types("swish")).toEqual(["CONV_2D", "LOGISTIC", "MUL"]);
    expect(types("hard-sigmoid")).toEqual(["CONV_2D", "ADD", "MUL"]);
  });

  test("a depthwise filter is [1, kh, kw, channels × multiplier]", () => {
    const graph = buildOn([1, 9, 9, 8], (b, x) => b.depthwise(x, 5, { stride: 2, multiplier: 3 }));
    const { op, inputs, outputs } = findOp(graph, "DEPTHWISE_CONV_2D");
    expect(inputs.map((tensor) => tensor.shape)).toEqual([[1, 9, 9, 8], [1, 5, 5, 24], [24]]);
    expect(outputs[0]!.shape).toEqual([1, 5, 5, 24]);
    expect(op.attributes["depthMultiplier"]).toBe(3);
    const dilated = buildOn([1, 9, 9, 8], (b, x) => b.depthwise(x, 3, { dilation: 2 }));
    expect(findOp(dilated, "DEPTHWISE_CONV_2D").op.version).toBe(2);
  });

  test("a transposed convolution undoes the shape of a convolution", () => {
    expect(shapeOf([1, 7, 5, 4], (b, x) => b.transposeConv(x, 8, 3, { stride: 2 }))).toEqual([1, 14, 10, 8]);
    const valid = buildOn([1, 7, 5, 4], (b, x) => b.transposeConv(x, 8, 3, { stride: 2, padding: "valid" }));
    expect(outputShapes(valid)).toEqual([[1, 15, 11, 8]]);
    expect(findOp(valid, "TRANSPOSE_CONV").inputs.map((tensor) => tensor.shape)).toEqual([
      [4],
      [8, 3, 3, 4],
      [1, 7, 5, 4],
      [8],
    ]);
  });
});

describe("other ops", () => {
  test("fully connected merges or keeps leading axes", () => {
    expect(shapeOf([1, 64], (b, x) => b.fullyConnected(x, 10))).toEqual([1, 10]);
    expect(shapeOf([1, 49, 64], (b, x) => b.fullyConnected(x, 10))).toEqual([1, 49, 10]);
    expect(shapeOf([1, 49, 64], (b, x) => b.fullyConnected(x, 10, { keepDims: false }))).toEqual([49, 10]);
    const graph = buildOn([1, 64], (b, x) => b.fullyConnected(x, 10, { bias: false }));
    expect(findOp(graph, "FULLY_CONNECTED").inputs.map((tensor) => tensor.shape)).toEqual([
      [1, 64],
      [10, 64],
    ]);
  });

  test("pools step by their window unless told otherwise", () => {
    expect(shapeOf([1, 9, 9, 4], (b, x) => b.maxPool(x, 2))).toEqual([1, 5, 5, 4]);
    expect(shapeOf([1, 9, 9, 4], (b, x) => b.maxPool(x, 2, { padding: "valid" }))).toEqual([1, 4, 4, 4]);
    expect(shapeOf([1, 9, 9, 4], (b, x) => b.averagePool(x, [3, 1], { stride: 1 }))).toEqual([1, 9, 9, 4]);
  });

  test("means keep or drop the reduced axes", () => {
    expect(shapeOf([1, 7, 7, 32], (b, x) => b.globalAveragePool(x))).toEqual([1, 32]);
    expect(shapeOf([1, 7, 7, 32], (b, x) => b.globalAveragePool(x, { keepDims: true }))).toEqual([
      1, 1, 1, 32,
    ]);
    const graph = buildOn([1, 7, 7, 32], (b, x) => b.mean(x, [-1, 1], { keepDims: true }));
    expect(outputShapes(graph)).toEqual([[1, 1, 7, 1]]);
    expect(findOp(graph, "MEAN").inputs[1]!.data).toEqual({ kind: "values", values: [3, 1] });
  });

  test("squeeze-excite is mean, two 1×1 convolutions, gate and scale", () => {
    const graph = buildOn([1, 14, 14, 64], (b, x) => b.squeezeExcite(x, 16));
    expect(opTypes(graph)).toEqual(["MEAN", "CONV_2D", "CONV_2D", "LOGISTIC", "MUL"]);
    expect(outputShapes(graph)).toEqual([[1, 14, 14, 64]]);
    const names = mainSubgraph(graph).ops.map((op) => mainSubgraph(graph).tensors[op.outputs[0]!]!.name);
    expect(names).toEqual(
      ["squeeze", "reduce", "expand", "gate", "scale"].map((name) => `squeeze_excite/${name}`),
    );
    const hard = buildOn([1, 14, 14, 64], (b, x) => b.squeezeExcite(x, 16, { gate: "hard-sigmoid" }));
    expect(opTypes(hard)).toEqual(["MEAN", "CONV_2D", "CONV_2D", "ADD", "MUL", "MUL"]);
  });

  test("split and concat are each other's inverse in shape", () => {
    const graph = buildOn([1, 4, 4, 12], (b, x) => b.concat(b.split(x, 3)));
    const { op, inputs, outputs } = findOp(graph, "SPLIT");
    expect(op.attributes).toEqual({ numSplits: 3 });
    expect(inputs[0]!.data).toEqual({ kind: "values", values: [3] });
    expect(outputs.map((tensor) => tensor.shape)).toEqual(Array(3).fill([1, 4, 4, 4]));
    expect(outputShapes(graph)).toEqual([[1, 4, 4, 12]]);
    expect(() => buildOn([1, 4, 4, 10], (b, x) => b.split(x, 3)[0]!)).toThrow(
      "split: axis 3 of 1×4×4×10 does not split into 3 parts",
    );
    expect(() => buildOn([1, 4, 4, 8], (b, x) => b.concat([x, b.maxPool(x, 2)]))).toThrow("do not match");
  });

  test("arithmetic broadcasts as NumPy does and refuses the rest", () => {
    expect(shapeOf([1, 4, 4, 8], (b, x) => b.mul(b.globalAveragePool(x), x))).toEqual([1, 4, 4, 8]);
    expect(shapeOf([1, 4, 4, 8], (b, x) => b.add(x, b.scalar(1), { activation: "relu" }))).toEqual([
      1, 4, 4, 8,
    ]);
    expect(() => buildOn([1, 4, 4, 8], (b, x) => b.add(x, b.maxPool(x, 2)))).toThrow(
      "add: the shapes 1×4×4×8 and 1×2×2×8 do not match",
    );
  });

  test("data movement", () => {
    expect(shapeOf([1, 4, 6, 8], (b, x) => b.transpose(x, [0, 3, 1, 2]))).toEqual([1, 8, 4, 6]);
    expect(shapeOf([1, 4, 6, 8], (b, x) => b.reshape(x, [1, -1, 8]))).toEqual([1, 24, 8]);
    expect(shapeOf([1, 4, 6, 8], (b, x) => b.slice(x, [0, 1, 0, 4], [-1, 2, -1, 4]))).toEqual([1, 2, 6, 4]);
    expect(
      shapeOf([1, 4, 6, 8], (b, x) =>
        b.stridedSlice(x, [0, 1, 0, 0], [1, 4, 6, 8], { strides: [1, 2, 4, 1] }),
      ),
    ).toEqual([1, 2, 2, 8]);
    expect(
      shapeOf([1, 4, 6, 8], (b, x) => b.stridedSlice(x, [0, 3, 0, 0], [1, 4, 6, 8], { shrink: [0, 1] })),
    ).toEqual([6, 8]);
    expect(shapeOf([1, 4, 6, 8], (b, x) => b.resizeBilinear(x, [8, 9]))).toEqual([1, 8, 9, 8]);
    expect(() => buildOn([1, 4, 6, 8], (b, x) => b.reshape(x, [1, -1, 7]))).toThrow("cannot be reshaped");
    expect(() => buildOn([1, 4, 6, 8], (b, x) => b.transpose(x, [0, 1, 1, 2]))).toThrow(
      "no order of the axes",
    );
    expect(() => buildOn([1, 4, 6, 8], (b, x) => b.slice(x, [0, 0, 0, 5], [1, 4, 6, 4]))).toThrow("outside");
  });

  test("matrix products transpose and broadcast", () => {
    const product = (b: GraphBuilder, x: Value) =>
      b.batchMatmul(x, b.parameter("keys", [1, 5, 16], 1), { transposeRight: true });
    expect(shapeOf([3, 7, 16], product)).toEqual([3, 7, 5]);
    expect(() => buildOn([3, 7, 16], (b, x) => b.batchMatmul(x, x))).toThrow("16 ≠ 7");
  });
});

describe("names, weights and errors", () => {
  test("names are paths, readable and unique", () => {
    const graph = buildOn([1, 8, 8, 4], (b, x) => {
      const stage = (y: Value) => b.within("stage", () => b.conv(b.conv(y, 4, 3), 4, 3, { padding: 1 }));
      return stage(stage(x));
    });
    const names = mainSubgraph(graph).tensors.map((tensor) => tensor.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        "input",
        "stage/conv",
        "stage/conv/filter",
        "stage/conv_1/pad",
        "stage_1/conv_1",
      ]),
    );
  });

  test("weights are drawn later from seeds of their own, in a range that keeps activations' variance", () => {
    const graph = buildOn([1, 8, 8, 16], (b, x) => b.conv(b.conv(x, 4, 3, { activation: "relu" }), 4, 3));
    const weights = mainSubgraph(graph).tensors.flatMap(({ data }) =>
      data?.kind === "random" ? [data] : [],
    );
    expect(new Set(weights.map((weight) => weight.seed)).size).toBe(4);
    expect(weights[0]!.limit).toBeCloseTo(Math.sqrt(6 / (16 * 9)), 12);
    expect(weights[2]!.limit).toBeCloseTo(Math.sqrt(3 / (4 * 9)), 12);
    const again = buildOn([1, 8, 8, 16], (b, x) => b.conv(b.conv(x, 4, 3, { activation: "relu" }), 4, 3));
    expect(again).toEqual(graph);
  });

  test("mistakes are named with the op and its path", () => {
    expect(() =>
      buildOn([1, 4, 4, 3], (b, x) => b.within("stem", () => b.conv(x, 8, 5, { padding: "valid" }))),
    ).toThrow("stem/conv: A window of 5 does not fit into 4 without padding");
    expect(() => buildOn([1, 64], (b, x) => b.conv(x, 8, 3))).toThrow(
      "conv needs an NHWC image, not the shape 1×64",
    );
    expect(() => buildOn([1, 4, 4, 3], (b, x) => b.conv(x, 2.5, 3))).toThrow("2.5 is no number of filters");
    expect(() => buildOn([1, 4, 4, 3], (b, x) => b.conv(x, 2, 3, { stride: 0 }))).toThrow("stride");
    expect(() => buildOn([1, 0, 4, 3], (_, x) => x)).toThrow("impossible shape");
    expect(() => new GraphBuilder("empty").build([])).toThrow("empty has no input");
  });
});
