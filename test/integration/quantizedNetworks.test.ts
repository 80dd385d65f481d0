import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { UnaryOperator } from "../../src-main/model/elementwiseBuilder.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { mainSubgraph, type Attributes, type Graph, type Tensor } from "../../src-main/model/graph.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { listQuantizedOperators } from "../../src-main/model/quantizedOperators.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { sampleNetworks } from "../../src-main/model/searchSpace.ts";
import { listZoo } from "../../src-main/model/zoo/zoo.ts";
import { calibrateRanges } from "../../src-main/profile/calibration.ts";
import { loadTflite, locateTfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";
import { constant, network, op, tensor, weights } from "../unit/tfliteGraphs.ts";
import { outputScale, runReal } from "./quantizedRuntime.ts";

type Body = (b: GraphBuilder, x: Value) => Value;

const path = locateTfliteLibrary();
const random = createRandom(9);
const numbers = Array.from({ length: 20_000 }, () => random.next() * 2 - 1);
const input = (index: number) => numbers[index % numbers.length]!;

function build(shape: number[], body: Body): Graph {
  const builder = new GraphBuilder("net", { seed: 3 });
  return builder.build(body(builder, builder.input(shape)));
}

const image = [1, 12, 12, 8];

function layerNorm(b: GraphBuilder, x: Value): Value {
  const axis = [x.shape.length - 1];
  const mean = b.mean(x, axis, { keepDims: true });
  const variance = b.mean(b.squaredDifference(x, mean), axis, { keepDims: true });
  const factor = b.unary("RSQRT", b.add(variance, b.scalar(1e-5)));
  const size = x.shape.at(-1)!;
  const normal = b.mul(b.mul(b.sub(x, mean), factor), b.parameter("gamma", [size], 1));
  return b.add(normal, b.parameter("beta", [size], 0.1));
}

function attention(b: GraphBuilder, x: Value): Value {
  const [, tokens, size] = x.shape as [number, number, number];
  const heads = (y: Value) => b.transpose(b.reshape(y, [1, tokens, 2, size / 2]), [0, 2, 1, 3]);
  const [q, k, v] = [0, 1, 2].map(() => heads(b.fullyConnected(x, size))) as [Value, Value, Value];
  const scores = b.mul(b.batchMatmul(q, k, { transposeRight: true }), b.scalar((size / 2) ** -0.5));
  const mixed = b.batchMatmul(b.softmax(scores), v);
  return b.fullyConnected(b.reshape(b.transpose(mixed, [0, 2, 1, 3]), [1, tokens, size]), size);
}

describe.skipIf(!path)("int8 networks in TFLite itself", () => {
  const library = path ? loadTflite(path) : null!;

  /** Largest and mean error of the calibrated int8 network against the float one, in steps of the output's scale. */
  function compare(graph: Graph, xnnpack = false): { worst: number; mean: number; quantized: Graph } {
    const calibration = calibrateRanges(graph, library, {
      samples: 1,
      fill: (values) => values.forEach((_, index) => (values[index] = input(index))),
    });
    const quantized = quantizeGraph(graph, { calibration });
    const [expected] = runReal(library, graph, input);
    const [actual] = runReal(library, quantized, input, xnnpack);
    const errors = Array.from(
      expected!,
      (value, at) => Math.abs(value - actual![at]!) / outputScale(quantized),
    );
    return {
      worst: Math.max(...errors),
      mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      quantized,
    };
  }

  // Each stored tensor is off by up to half a step, its kernel rounds to within one step (the "±1" of TFLite's own kernel tests),
  // and an op passes on the errors of its inputs by its slope, in steps of its own output. For one op after a quantised
  // input, or two, that stays below three steps of about 255.
  const bound = 3;

  const operators: [string, number[], Body][] = [
    ["CONV_2D with RELU6", image, (b, x) => b.conv(x, 16, 3, { activation: "relu6" })],
    ["CONV_2D 1×1", image, (b, x) => b.conv(x, 16, 1)],
    ["CONV_2D dilated", image, (b, x) => b.conv(x, 16, 3, { dilation: 2, padding: "valid" })],
    ["CONV_2D strided after PAD", image, (b, x) => b.conv(x, 16, 3, { stride: 2, padding: 1 })],
    ["CONV_2D in groups", image, (b, x) => b.groupedConv(x, 16, 3, 2)],
    ["DEPTHWISE_CONV_2D", image, (b, x) => b.depthwise(x, 3, { stride: 2, activation: "relu" })],
    ["DEPTHWISE_CONV_2D dilated", image, (b, x) => b.depthwise(x, 3, { dilation: 2 })],
    ["DEPTHWISE_CONV_2D with multiplier", image, (b, x) => b.depthwise(x, 3, { multiplier: 2 })],
    ["TRANSPOSE_CONV", image, (b, x) => b.transposeConv(x, 4, 3)],
    ["TRANSPOSE_CONV without bias", image, (b, x) => b.transposeConv(x, 4, 3, { bias: false })],
    ["FULLY_CONNECTED", [1, 64], (b, x) => b.fullyConnected(x, 10)],
    ["FULLY_CONNECTED on rows", [1, 7, 32], (b, x) => b.fullyConnected(x, 10, { activation: "relu" })],
    ["FULLY_CONNECTED without bias", [1, 7, 32], (b, x) => b.fullyConnected(x, 10, { bias: false })],
    ["MAX_POOL_2D", image, (b, x) => b.maxPool(x, 2)],
    ["AVERAGE_POOL_2D", image, (b, x) => b.averagePool(x, 3, { stride: 1 })],
    ["MEAN of an image", image, (b, x) => b.globalAveragePool(x)],
    ["MEAN of channels", image, (b, x) => b.mean(x, [3], { keepDims: true })],
    ["SUM", image, (b, x) => b.sum(x, [1, 2])],
    ["ADD", image, (b, x) => b.add(x, b.conv(x, 8, 1))],
    ["ADD with RELU6 and a scalar", image, (b, x) => b.add(x, b.scalar(3), { activation: "relu6" })],
    ["ADD with a parameter", image, (b, x) => b.add(x, b.parameter("p", [1, 12, 12, 8], 1))],
    ["SUB", image, (b, x) => b.sub(x, b.conv(x, 8, 1))],
    ["MUL", image, (b, x) => b.mul(x, b.conv(x, 8, 1))],
    ["MUL by a scalar", image, (b, x) => b.mul(x, b.scalar(1 / 6))],
    ["MUL by channel", image, (b, x) => b.mul(x, b.sigmoid(b.mean(x, [1, 2], { keepDims: true })))],
    ["DIV", image, (b, x) => b.div(x, b.add(b.sigmoid(x), b.scalar(1)))],
    ["MAXIMUM", image, (b, x) => b.maximum(x, b.conv(x, 8, 1))],
    ["MAXIMUM of a scalar", image, (b, x) => b.maximum(x, b.scalar(0.2))],
    ["MINIMUM", image, (b, x) => b.minimum(x, b.conv(x, 8, 1))],
    ["SQUARED_DIFFERENCE", image, (b, x) => b.squaredDifference(x, b.conv(x, 8, 1))],
    ["CONCATENATION", image, (b, x) => b.concat([x, b.conv(x, 8, 1)])],
    ["CONCATENATION of fixed scales", image, (b, x) => b.concat([x, b.softmax(x), b.tanh(x)])],
    [
      "CONCATENATION with a parameter",
      [1, 4, 8],
      (b, x) => b.concat([b.parameter("class", [1, 1, 8], 0.3), x], { axis: 1 }),
    ],
    [
      "PAD",
      image,
      (b, x) =>
        b.pad(x, [
          [0, 0],
          [1, 1],
          [2, 0],
          [0, 0],
        ]),
    ],
    ["RESHAPE", image, (b, x) => b.reshape(x, [1, 144, 8])],
    ["TRANSPOSE", image, (b, x) => b.transpose(x, [0, 3, 1, 2])],
    ["TRANSPOSE of five axes", [1, 2, 3, 4, 5], (b, x) => b.transpose(x, [0, 2, 1, 3, 4])],
    ["SPLIT", image, (b, x) => b.sub(...(b.split(x, 2) as [Value, Value]))],
    ["SLICE", image, (b, x) => b.slice(x, [0, 1, 1, 0], [1, -1, 3, 4])],
    [
      "STRIDED_SLICE",
      image,
      (b, x) => b.stridedSlice(x, [0, 0, 0, 0], [1, 12, 12, 8], { strides: [1, 2, 2, 1] }),
    ],
    [
      "STRIDED_SLICE of five axes",
      [1, 2, 3, 4, 5],
      (b, x) => b.stridedSlice(x, [0, 0, 0, 0, 0], [1, 1, 3, 4, 5], { shrink: [1] }),
    ],
    ["SOFTMAX", [1, 5, 16], (b, x) => b.softmax(x)],
    ["LOGISTIC", image, (b, x) => b.sigmoid(x)],
    ["TANH", image, (b, x) => b.tanh(x)],
    ["RELU", image, (b, x) => b.relu(x)],
    ["RELU6", image, (b, x) => b.relu6(x)],
    ["HARD_SWISH", image, (b, x) => b.hardSwish(x)],
    ["hard-sigmoid", image, (b, x) => b.activate(x, "hard-sigmoid")],
    ["swish", image, (b, x) => b.activate(x, "swish")],
    ["BATCH_MATMUL", [1, 4, 8, 16], (b, x) => b.batchMatmul(x, b.tanh(x), { transposeRight: true })],
    ["BATCH_MATMUL after SOFTMAX", [1, 4, 8, 8], (b, x) => b.batchMatmul(b.softmax(x), x)],
    ["BATCH_MATMUL transposed left", [1, 4, 8, 8], (b, x) => b.batchMatmul(x, x, { transposeLeft: true })],
    [
      "BATCH_MATMUL with a parameter",
      [1, 4, 8, 8],
      (b, x) => b.batchMatmul(x, b.parameter("w", [1, 4, 8, 8], 0.3)),
    ],
    ["RESIZE_BILINEAR", image, (b, x) => b.resizeBilinear(x, [20, 20])],
    [
      "RESIZE_BILINEAR by half pixels",
      image,
      (b, x) => b.resizeBilinear(x, [20, 20], { halfPixelCenters: true }),
    ],
    ["RESIZE_NEAREST_NEIGHBOR", image, (b, x) => b.resizeNearest(x, [24, 24])],
    [
      "RESIZE_NEAREST_NEIGHBOR by corners",
      image,
      (b, x) => b.resizeNearest(x, [24, 24], { alignCorners: true }),
    ],
    ["POW", image, (b, x) => b.pow(b.sigmoid(x), b.scalar(2))],
    ...(["ABS", "NEG", "EXP", "SQUARE", "SIN", "COS", "ELU"] as const).map(unary((_, x) => x)),
    ...(["LOG", "SQRT", "RSQRT"] as const).map(unary((b, x) => b.add(b.sigmoid(x), b.scalar(0.1)))),
  ];

  function unary(before: Body): (type: UnaryOperator) => [string, number[], Body] {
    return (type) => [type, image, (b, x) => b.unary(type, before(b, x))];
  }

  it.each(operators)("%s agrees with float", (_, shape, body) => {
    expect(compare(build(shape, body)).worst).toBeLessThan(bound);
  });

  it.each(operators.filter(([name]) => /^(CONV|DEPTH|FULLY|ADD|MUL|SUB|MAX_POOL|PAD)/.test(name)))(
    "%s agrees with float on XNNPACK too",
    (_, shape, body) => {
      expect(compare(build(shape, body), true).worst).toBeLessThan(bound);
    },
  );

  /** Networks the builder has no call for. */
  const others: [string, Graph][] = [
    ["GELU", one("GELU", { approximate: true })],
    ["LEAKY_RELU", one("LEAKY_RELU", { alpha: 0.2 })],
    ["RELU_N1_TO_1", one("RELU_N1_TO_1")],
    ["L2_NORMALIZATION", one("L2_NORMALIZATION", { fusedActivationFunction: "NONE" })],
    ["LOG_SOFTMAX", one("LOG_SOFTMAX")],
    ["SPACE_TO_DEPTH", one("SPACE_TO_DEPTH", { blockSize: 2 }, [1, 2, 2, 32])],
    ["DEPTH_TO_SPACE", one("DEPTH_TO_SPACE", { blockSize: 2 }, [1, 8, 8, 2])],
    ["SQUEEZE", one("SQUEEZE", { squeezeDims: [0] }, [4, 4, 8])],
    ["EXPAND_DIMS", one("EXPAND_DIMS", {}, [1, 1, 4, 4, 8], [constant("axis", [1], [0], "int32")])],
    ["REDUCE_MAX", one("REDUCE_MAX", { keepDims: false }, [1, 8], [constant("axes", [2], [1, 2], "int32")])],
    ["REDUCE_MIN", one("REDUCE_MIN", { keepDims: false }, [1, 8], [constant("axes", [2], [1, 2], "int32")])],
    [
      "GATHER",
      one("GATHER", { axis: 1, batchDims: 0 }, [1, 3, 4, 8], [constant("rows", [3], [3, 0, 3], "int32")]),
    ],
    ["PRELU", one("PRELU", {}, [1, 4, 4, 8], [weights("alpha", [1, 1, 8], 4)])],
    ["MIRROR_PAD", one("MIRROR_PAD", { mode: "REFLECT" }, [1, 6, 6, 8], [paddings()])],
    ["PADV2", one("PADV2", {}, [1, 6, 6, 8], [paddings(), constant("value", [1], [0.5])])],
    ["SPACE_TO_BATCH_ND", one("SPACE_TO_BATCH_ND", {}, [4, 2, 2, 8], [block(), crops()])],
    ["FLOOR of steps", one("FLOOR")],
  ];

  function paddings() {
    return constant("paddings", [4, 2], [0, 0, 1, 1, 1, 1, 0, 0], "int32");
  }
  function block() {
    return constant("block", [2], [2, 2], "int32");
  }
  function crops() {
    return constant("crops", [2, 2], [0, 0, 0, 0], "int32");
  }

  function one(
    type: string,
    attributes = {},
    output = [1, 4, 4, 8],
    constants: ReturnType<typeof tensor>[] = [],
  ): Graph {
    const tensors = [tensor("x", [1, 4, 4, 8]), ...constants, tensor("y", output)];
    const last = tensors.length - 1;
    const inputs = [0, ...constants.map((_, at) => at + 1)];
    return network(tensors, [0], [last], [op(type, inputs, [last], { attributes })]);
  }

  it.each(others)("%s agrees with float", (name, graph) => {
    // A step function turns half a step of its input into a whole one of its own; elsewhere it is exact.
    if (name.startsWith("FLOOR")) expect(compare(graph).mean).toBeLessThan(5);
    else expect(compare(graph).worst).toBeLessThan(bound);
  });

  const tried = new Set(
    [...operators.map(([, shape, body]) => build(shape, body)), ...others.map(([, graph]) => graph)].flatMap(
      (graph) => mainSubgraph(quantizeGraph(graph)).ops.map(({ type }) => type),
    ),
  );
  // Comparisons and lists of tensors are run below.
  const rest = /^(LESS|GREATER|EQUAL|NOT_EQUAL|ARG_|PACK|UNPACK|SPLIT_V|BATCH_TO_SPACE)/;

  it("every operator said to have an int8 kernel has one", () => {
    expect(listQuantizedOperators().filter((type) => !tried.has(type) && !rest.test(type))).toEqual([]);
  });

  it("every operator of the zoo's int8 networks is among those compared here, or works on float constants", () => {
    const missed = new Set<string>();
    let int8 = 0;
    for (const { build: buildZoo } of listZoo()) {
      const { ops, tensors } = mainSubgraph(quantizeGraph(buildZoo()));
      for (const { type, outputs } of ops) {
        if (tensors[outputs[0]!]!.dtype === "int8") int8++;
        if (!tried.has(type) && !rest.test(type)) missed.add(type);
      }
    }
    // It chooses between the two values of a mask, which is computed from constants.
    expect([...missed]).toEqual(["SELECT_V2"]);
    expect(int8).toBeGreaterThan(30_000);
  });

  it.each<{ type: string; tensors: Tensor[]; attributes: Attributes; outputs: number[] }>([
    ...["LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL"].map((type) => ({
      type,
      tensors: [
        tensor("x", [1, 6]),
        constant("c", [1, 6], [0.5, 0, 0.1, 0.2, 0.3, -1]),
        tensor("y", [1, 6], { dtype: "bool" }),
      ],
      attributes: {},
      outputs: [2],
    })),
    ...["ARG_MAX", "ARG_MIN"].map((type) => ({
      type,
      tensors: [
        tensor("x", [1, 6]),
        constant("axis", [1], [1], "int32"),
        tensor("y", [1], { dtype: "int32" }),
      ],
      attributes: { outputType: "int32" },
      outputs: [2],
    })),
    {
      type: "PACK",
      tensors: [
        tensor("x", [1, 6]),
        constant("c", [1, 6], [0.5, 0, 0.1, 0.2, 0.3, -1]),
        tensor("y", [2, 1, 6]),
      ],
      attributes: { valuesCount: 2, axis: 0 },
      outputs: [2],
    },
    {
      type: "UNPACK",
      tensors: [tensor("x", [2, 6]), tensor("y", [6]), tensor("z", [6])],
      attributes: { num: 2, axis: 0 },
      outputs: [1, 2],
    },
    {
      type: "SPLIT_V",
      tensors: [
        tensor("x", [1, 6]),
        constant("sizes", [2], [2, 4], "int32"),
        constant("axis", [], [1], "int32"),
        tensor("y", [1, 2]),
        tensor("z", [1, 4]),
      ],
      attributes: { numSplits: 2 },
      outputs: [3, 4],
    },
    {
      type: "BATCH_TO_SPACE_ND",
      tensors: [tensor("x", [4, 2, 2, 1]), block(), crops(), tensor("y", [1, 4, 4, 1])],
      attributes: {},
      outputs: [3],
    },
  ])("$type gives what the float network gives", ({ type, tensors, attributes, outputs }) => {
    const inputs = tensors.flatMap((_, at) => (outputs.includes(at) ? [] : [at]));
    const graph = network(tensors, [0], outputs, [op(type, inputs, outputs, { attributes })]);
    const calibration = new Map(tensors.map((_, at) => [at, [-1, 1] as const] as const));
    const quantized = quantizeGraph(graph, { calibration });
    expect(mainSubgraph(quantized).ops.map((each) => each.type)).toEqual([type]);
    const [expected, actual] = [graph, quantized].map((each) => runReal(library, each, input));
    expected!.forEach((values, at) =>
      values.forEach((value, place) => expect(Math.abs(value - actual![at]![place]!)).toBeLessThan(2 / 255)),
    );
  });

  it.each(["LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "EQUAL", "NOT_EQUAL"])(
    "%s of numbers beyond its kernel's scales stays float",
    (type) => {
      const zeros = constant("c", [1, 6], [0, 0, 0, 0, 0, 0]);
      const tensors = [tensor("x", [1, 6]), zeros, tensor("y", [1, 6], { dtype: "bool" })];
      const graph = network(tensors, [0], [2], [op(type, [0, 1], [2])]);
      const large = (index: number) => 200 * input(index);
      const types = (range: [number, number]) => {
        const quantized = quantizeGraph(graph, { calibration: new Map([[0, range] as const]) });
        // With such a scale the int8 kernel would end this process.
        expect(runReal(library, quantized, large)[0]).toEqual(runReal(library, graph, large)[0]);
        return mainSubgraph(quantized).ops.map((each) => each.type);
      };
      expect(types([-300, 300])).toEqual(["DEQUANTIZE", type]);
      // A constant of zeros has the scale 1.
      expect(types([-1, 1])).toEqual(["DEQUANTIZE", type]);
      zeros.data = { kind: "values", values: [0.1, 0.2, 0.3, 0.1, 0.2, 0.3] };
      expect(types([-1, 1])).toEqual([type]);
    },
  );

  // Errors of a chain of ops add up like independent ones, so they grow with the root of its length: a block of some ten
  // ops is off by a few steps at most and by about one in the mean.
  it.each<[string, number[], Body]>([
    [
      "squeeze-excite and hard-swish (MobileNetV3)",
      image,
      (b, x) => {
        const expanded = b.conv(x, 24, 1, { activation: "hard-swish" });
        const deep = b.depthwise(expanded, 5, { activation: "hard-swish" });
        return b.add(x, b.conv(b.squeezeExcite(deep, 8, { gate: "hard-sigmoid" }), 8, 1));
      },
    ],
    [
      "channel shuffle (ShuffleNet)",
      image,
      (b, x) => {
        const [left, right] = b.split(x, 2) as [Value, Value];
        const deep = b.conv(b.depthwise(b.conv(right, 4, 1, { activation: "relu" }), 3), 4, 1, {
          activation: "relu",
        });
        const pairs = b.reshape(b.concat([left, deep]), [1, 12, 12, 2, 4]);
        return b.reshape(b.transpose(pairs, [0, 1, 2, 4, 3]), [1, 12, 12, 8]);
      },
    ],
    ["layer norm", [1, 8, 32], layerNorm],
    ["attention", [1, 8, 16], attention],
    [
      "a transformer block",
      [1, 8, 16],
      (b, x) => {
        const y = b.add(x, attention(b, layerNorm(b, x)));
        const hidden = b.fullyConnected(layerNorm(b, y), 32);
        const gelu = b.mul(hidden, b.sigmoid(b.mul(hidden, b.scalar(1.702))));
        return b.add(y, b.fullyConnected(gelu, 16));
      },
    ],
    [
      "a whole small network",
      [1, 24, 24, 3],
      (b, x) => {
        let y = b.conv(x, 8, 3, { stride: 2, activation: "relu6" });
        for (const stride of [1, 2, 1]) {
          const deep = b.depthwise(b.conv(y, 24, 1, { activation: "relu6" }), 3, {
            stride,
            activation: "relu6",
          });
          const next = b.conv(deep, 8, 1);
          y = stride === 1 ? b.add(y, next) : next;
        }
        return b.fullyConnected(b.globalAveragePool(y), 10);
      },
    ],
  ])("%s agrees with float", (_, shape, body) => {
    const { worst, mean } = compare(build(shape, body));
    expect(mean).toBeLessThan(2);
    expect(worst).toBeLessThan(10);
  });

  it("networks of the search space run at int8, calibrated by nobody, and their outputs tell inputs apart", () => {
    const types = new Set<string>();
    for (const { graph } of sampleNetworks({ count: 4, seed: 11 })) {
      const quantized = quantizeGraph(graph);
      mainSubgraph(quantized).ops.forEach(({ type }) => types.add(type));
      const [output] = runReal(library, quantized, input);
      expect(output!.length).toBe(1000);
      // A network whose ranges are far off is saturated or stuck.
      expect(new Set(output).size).toBeGreaterThan(40);
    }
    expect(types.has("QUANTIZE")).toBe(false);
  });
});
