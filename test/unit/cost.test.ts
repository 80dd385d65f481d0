import { describe, expect, it } from "vitest";
import { costGraph, costOp } from "../../src-main/model/cost.ts";
import type { Attributes, Tensor } from "../../src-main/model/graph.ts";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { operatorCount, operatorName } from "../../src-main/model/operators.ts";
import { constant, everythingGraph, network, op, tensor, weights } from "./tfliteGraphs.ts";

/** FLOPs of one op over these inputs with this output. */
function flops(type: string, inputs: Tensor[], output: number[], attributes: Attributes = {}): number | null {
  const tensors = [...inputs, tensor("out", output)];
  const places = inputs.map((_, index) => index);
  const graph = network(tensors, [0], [inputs.length], [op(type, places, [inputs.length], { attributes })]);
  return costOp(graph.subgraphs[0]!, graph.subgraphs[0]!.ops[0]!).flops;
}

describe("FLOPs are 2 × multiply-accumulates", () => {
  it("of the first convolution of a 224×224 network: 112·112·64 outputs × 7·7·3", () => {
    const inputs = [tensor("x", [1, 224, 224, 3]), weights("w", [64, 7, 7, 3], 1), weights("b", [64], 2)];
    expect(flops("CONV_2D", inputs, [1, 112, 112, 64])).toBe(236_027_904);
  });

  it("of a grouped convolution: each output sees only its group's 8 of 32 channels", () => {
    const inputs = [tensor("x", [1, 10, 12, 32]), weights("w", [16, 3, 5, 8], 1)];
    expect(flops("CONV_2D", inputs, [1, 10, 12, 16])).toBe(2 * (10 * 12 * 16) * (3 * 5 * 8));
  });

  it("of a dilated convolution: dilation reaches further and costs nothing", () => {
    const inputs = [tensor("x", [1, 20, 20, 4]), weights("w", [6, 3, 3, 4], 1)];
    const dilated = flops("CONV_2D", inputs, [1, 16, 16, 6], { dilationHFactor: 2, dilationWFactor: 2 });
    expect(dilated).toBe(110_592);
  });

  it("of a batch of two: twice as many", () => {
    const one = flops("CONV_2D", [tensor("x", [1, 8, 8, 4]), weights("w", [5, 1, 1, 4], 1)], [1, 8, 8, 5]);
    const two = flops("CONV_2D", [tensor("x", [2, 8, 8, 4]), weights("w", [5, 1, 1, 4], 1)], [2, 8, 8, 5]);
    expect([one, two]).toEqual([2560, 5120]);
  });

  it("of a depthwise convolution with multiplier 2: 3·3 for each of the 16 outputs of 8 channels", () => {
    const inputs = [tensor("x", [1, 14, 14, 8]), weights("w", [1, 3, 3, 16], 1), weights("b", [16], 2)];
    expect(flops("DEPTHWISE_CONV_2D", inputs, [1, 7, 7, 16], { depthMultiplier: 2 })).toBe(14_112);
  });

  it("of a fully connected layer over a batch of 3", () => {
    const inputs = [tensor("x", [3, 1280]), weights("w", [1000, 1280], 1), weights("b", [1000], 2)];
    expect(flops("FULLY_CONNECTED", inputs, [3, 1000])).toBe(7_680_000);
  });

  it("of a transposed convolution: every input element meets every weight of its channel", () => {
    const inputs = [
      constant("shape", [4], [1, 16, 16, 6], "int32"),
      weights("w", [6, 3, 3, 4], 1),
      tensor("x", [1, 8, 8, 4]),
    ];
    expect(flops("TRANSPOSE_CONV", inputs, [1, 16, 16, 6])).toBe(2 * (8 * 8 * 4) * (3 * 3 * 6));
  });

  it("of convolutions in three dimensions", () => {
    const inputs = [tensor("x", [1, 4, 4, 4, 2]), weights("w", [2, 3, 3, 2, 5], 1)];
    expect(flops("CONV_3D", inputs, [1, 3, 2, 2, 5])).toBe(2 * (3 * 2 * 2 * 5) * (2 * 3 * 3 * 2));
    const back = [constant("s", [5], [1, 8, 8, 8, 3], "int32"), weights("w", [2, 2, 2, 3, 5], 1)];
    expect(flops("CONV_3D_TRANSPOSE", [...back, tensor("x", [1, 4, 4, 4, 5])], [1, 8, 8, 8, 3])).toBe(
      2 * (64 * 5) * (8 * 3),
    );
  });

  it("of matrix products, also of a transposed left side", () => {
    const product = [tensor("x", [2, 3, 5]), tensor("y", [2, 5, 7])];
    expect(flops("BATCH_MATMUL", product, [2, 3, 7])).toBe(420);
    const transposed = [tensor("x", [2, 5, 3]), tensor("y", [2, 5, 7])];
    expect(flops("BATCH_MATMUL", transposed, [2, 3, 7], { adjX: true })).toBe(420);
  });
});

describe("the other classes", () => {
  const image = tensor("x", [1, 4, 6, 8]);

  it.each([
    ["AVERAGE_POOL_2D", [1, 2, 3, 8], { filterWidth: 3, filterHeight: 2 }, 288],
    ["MAX_POOL_2D", [1, 2, 3, 8], { filterWidth: 2, filterHeight: 2 }, 192],
    ["MEAN", [1, 8], {}, 192],
    ["ARG_MAX", [1, 4, 6], {}, 192],
    ["HARD_SWISH", [1, 4, 6, 8], {}, 384],
    ["SOFTMAX", [1, 4, 6, 8], {}, 192],
    ["L2_NORMALIZATION", [1, 4, 6, 8], {}, 576],
    ["RESIZE_BILINEAR", [1, 8, 12, 8], {}, 5376],
    ["LOCAL_RESPONSE_NORMALIZATION", [1, 4, 6, 8], { radius: 2 }, 2496],
    ["RESHAPE", [192], {}, 0],
    ["TRANSPOSE", [1, 6, 4, 8], {}, 0],
    ["DEQUANTIZE", [1, 4, 6, 8], {}, 192],
    ["WHILE", [1, 4, 6, 8], {}, null],
    ["UNIDIRECTIONAL_SEQUENCE_LSTM", [1, 4, 6, 8], {}, null],
    ["NON_MAX_SUPPRESSION_V4", [3], {}, null],
    ["BUILTIN_240", [3], {}, null],
  ] as const)("%s over 1×4×6×8 to %j", (type, output, attributes, expected) => {
    expect(flops(type, [image], [...output], { ...attributes })).toBe(expected);
  });

  it("adds n tensors with n − 1 sums", () => {
    expect(flops("ADD_N", [tensor("a", [10]), tensor("b", [10]), tensor("c", [10])], [10])).toBe(20);
  });

  it("leaves a malformed filter uncosted instead of guessing", () => {
    expect(flops("CONV_2D", [image, weights("w", [8, 8], 1)], [1, 4, 6, 8])).toBeNull();
    expect(flops("MAX_POOL_2D", [image], [1, 2, 3, 8])).toBeNull();
  });

  it("gives every builtin operator either a cost or none, never a number that is not finite", () => {
    for (let code = 0; code < operatorCount; code++) {
      const cost = flops(operatorName(code), [image, weights("w", [8, 1, 1, 8], 1)], [1, 4, 6, 8]);
      expect(cost === null || (Number.isFinite(cost) && cost >= 0)).toBe(true);
    }
  });
});

describe("parameters and traffic", () => {
  it("count weights and biases, no shapes and axes", () => {
    const graph = network(
      [
        tensor("x", [1, 4, 4, 3]),
        weights("w", [8, 3, 3, 3], 1),
        weights("b", [8], 2),
        tensor("y", [1, 4, 4, 8]),
        constant("axes", [2], [1, 2], "int32"),
        tensor("z", [1, 8]),
      ],
      [0],
      [5],
      [op("CONV_2D", [0, 1, 2], [3]), op("MEAN", [3, 4], [5])],
    );
    const { params, ops, bytes, flops: total } = costGraph(graph);
    expect(params).toBe(8 * 27 + 8);
    expect(ops.map((cost) => cost.params)).toEqual([224, 0]);
    // Input 48, weights 216, bias 8, output 128 floats; then 128 floats, 2 axes, 8 floats.
    expect(ops.map((cost) => cost.bytes)).toEqual([1600, 552]);
    expect(bytes).toBe(2152);
    expect(total).toBe(2 * 16 * 8 * 27 + 128);
  });

  it("count a constant that several ops share once in the network and with each op", () => {
    const shared = weights("w", [4, 4], 1);
    const graph = network(
      [tensor("x", [1, 4]), shared, tensor("y", [1, 4]), { ...shared, name: "again" }, tensor("z", [1, 4])],
      [0],
      [4],
      [op("FULLY_CONNECTED", [0, 1, -1], [2]), op("FULLY_CONNECTED", [2, 3, -1], [4])],
    );
    const cost = costGraph(graph);
    expect(cost.ops.map(({ params }) => params)).toEqual([16, 16]);
    expect(cost.params).toBe(16);
  });

  it("count a half-precision constant once, where it is dequantised, and that as free", () => {
    const graph = network(
      [
        tensor("x", [1, 2, 2, 3]),
        constant("half", [5, 1, 1, 3], Array<number>(15).fill(1), "float16"),
        tensor("w", [5, 1, 1, 3]),
        tensor("y", [1, 2, 2, 5]),
      ],
      [0],
      [3],
      [op("DEQUANTIZE", [1], [2]), op("CONV_2D", [0, 2], [3])],
    );
    const cost = costGraph(graph);
    expect(cost.params).toBe(15);
    expect(cost.ops.map(({ params, flops: own }) => [params, own])).toEqual([
      [15, 0],
      [0, 2 * 20 * 3],
    ]);
  });

  it("count the 32-bit bias of a quantised convolution", () => {
    const graph = network(
      [
        tensor("x", [1, 2, 2, 3], { dtype: "int8" }),
        tensor("w", [5, 1, 1, 3], {
          dtype: "int8",
          data: { kind: "random", seed: 1, limit: 100 },
          quantization: { scales: [1], zeroPoints: [0], axis: 0, min: [], max: [] },
        }),
        constant("b", [5], [1, 2, 3, 4, 5], "int32"),
        tensor("y", [1, 2, 2, 5], { dtype: "int8" }),
      ],
      [0],
      [3],
      [op("CONV_2D", [0, 1, 2], [3])],
    );
    expect(costGraph(graph).params).toBe(20);
  });
});

describe("inspecting a graph", () => {
  it("lists the ops of all subgraphs and groups those without a cost", () => {
    const detail = inspectGraph(everythingGraph(), "shown", 1234);
    expect(detail).toMatchObject({
      name: "shown",
      bytes: 1234,
      subgraphs: 2,
      quantized: true,
      sparse: false,
      dynamic: true,
      inputs: [{ shape: [-1, 6, 5, 4], dtype: "float32" }],
      outputs: [
        { shape: [1, 3], dtype: "int8" },
        { shape: [2], dtype: "float32" },
      ],
    });
    expect(detail.ops.map(({ op: name, subgraph, index }) => `${subgraph}.${index} ${name}`)).toEqual([
      "0.0 CONV_2D",
      "0.1 RESHAPE",
      "0.2 FULLY_CONNECTED",
      "0.3 Made Up ✓",
      "0.4 IF",
      "0.5 RANDOM_UNIFORM",
      "1.0 PRELU",
    ]);
    expect(detail.uncosted).toEqual([
      { op: "Made Up ✓", count: 1 },
      { op: "IF", count: 1 },
      { op: "RANDOM_UNIFORM", count: 1 },
    ]);
    expect(detail.ops[2]!.inputs).toEqual([
      [1, 240],
      [3, 240],
    ]);
    expect(detail.ops[2]!.inputTensors).toEqual([5, 6, -1]);
    // Convolution 2 × 240 × 18, fully connected 2 × 3 × 240.
    expect(detail.flops).toBe(8640 + 1440);
    expect(JSON.parse(JSON.stringify(detail))).toEqual(detail);
  });
});
