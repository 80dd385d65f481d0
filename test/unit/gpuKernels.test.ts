/**
 * The rules of TFLite's GPU delegate, each with the source that holds it (paths below tensorflow/lite/delegates/gpu/common) and numbers
 * computed by hand from the rule.
 */
import { describe, expect, it } from "vitest";
import { deduceKernels } from "../../src-main/kernels/gpu.ts";
import { readGpuDevice } from "../../src-main/kernels/gpuDevice.ts";
import type { GpuKernel } from "../../src-main/kernels/gpuKernel.ts";
import { readGpuKernelName } from "../../src-main/kernels/gpuKernelName.ts";
import type { GpuOptions } from "../../src-main/kernels/gpuRules.ts";
import { cutTiles } from "../../src-main/kernels/gpuTiles.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";

const adreno = "Adreno (TM) 640";
const mali = "Mali-G76 MP12";
const powervr = "PowerVR Rogue GE8320";
const apple = "Apple A10 GPU";

type Body = (b: GraphBuilder, x: Value) => Value | Value[];

function build(body: Body, shape = [1, 56, 56, 64]): Graph {
  const builder = new GraphBuilder("net");
  return builder.build(body(builder, builder.input(shape)));
}

function run(body: Body, gpu = adreno, shape?: number[], options?: GpuOptions): GpuKernel[] {
  return deduceKernels(build(body, shape), gpu, options).kernels;
}

function names(body: Body, gpu = adreno, shape?: number[], options?: GpuOptions): string[] {
  return run(body, gpu, shape, options).map(({ name }) => name);
}

function variants(body: Body, gpu = adreno, shape?: number[], options?: GpuOptions): string[] {
  return run(body, gpu, shape, options).map(({ variant }) => variant);
}

describe("GPU names (gpu_info.cc)", () => {
  it("tell the vendor and the generation of the delegate's tables", () => {
    const read = (name: string) => {
      const { vendor, generation } = readGpuDevice(name);
      return `${vendor} ${generation}`.trim();
    };
    expect(read("Adreno (TM) 640")).toBe("adreno 6xx");
    expect(read("Adreno (TM) 740")).toBe("adreno 7xx");
    expect(read("Adreno (TM) 540")).toBe("adreno 5xx");
    for (const unlisted of ["619", "642L", "690", "725", "830"])
      expect(read(`Adreno (TM) ${unlisted}`)).toBe("adreno unknown");
    expect(read("Mali-G76 MP12")).toBe("mali bifrost3");
    expect(read("Mali-G52 MC2")).toBe("mali bifrost2");
    expect(read("Mali-T880")).toBe("mali midgard");
    expect(read("Mali-G78")).toBe("mali valhall");
    expect(read("PowerVR Rogue GE8320")).toBe("powervr");
    expect(read("Apple A10 GPU")).toBe("apple a10");
    expect(read("Samsung Xclipse 920")).toBe("amd");
    expect(read("llvmpipe")).toBe("unknown");
    expect(readGpuDevice("Mali-G76 MP12")).toMatchObject({ computeUnits: 12, computeUnitsKnown: true });
    expect(readGpuDevice("Mali-G76")).toMatchObject({ computeUnits: 12, computeUnitsKnown: false });
  });
});

describe("Winograd (selectors/operation_selector.cc, winograd_util.cc)", () => {
  const winograd = (gpu: string, size: number, inside: number, outside: number, options = {}) =>
    run((b, x) => b.conv(x, outside, 3, { padding: "same", ...options }), gpu, [1, size, size, inside]).some(
      (kernel) => kernel.class === "gpu-conv-winograd",
    );

  it("asks 32 slices of input and output on Adreno, and 128 tiles on those of the 6xx table", () => {
    // ceil(45 / 4)² = 144 tiles; ceil(44 / 4)² = 121.
    expect(winograd(adreno, 45, 125, 125)).toBe(true);
    expect(winograd(adreno, 44, 125, 125)).toBe(false);
    expect(winograd(adreno, 45, 124, 125)).toBe(false);
    expect(winograd(adreno, 45, 125, 124)).toBe(false);
  });

  it("asks 64 tiles of other Adreno, names outside the table among them", () => {
    for (const gpu of ["Adreno (TM) 740", "Adreno (TM) 540", "Adreno (TM) 619"]) {
      expect(winograd(gpu, 29, 125, 125)).toBe(true);
      expect(winograd(gpu, 28, 125, 125)).toBe(false);
    }
  });

  it("asks 16 slices and 32 tiles of the rest, 8 output slices on AMD", () => {
    for (const gpu of [mali, powervr, apple, "llvmpipe"]) {
      expect(winograd(gpu, 21, 61, 61)).toBe(true);
      expect(winograd(gpu, 20, 61, 61)).toBe(false);
      expect(winograd(gpu, 21, 60, 61)).toBe(false);
      expect(winograd(gpu, 21, 61, 60)).toBe(false);
    }
    expect(winograd("Samsung Xclipse 920", 21, 61, 29)).toBe(true);
    expect(winograd("Samsung Xclipse 920", 21, 61, 28)).toBe(false);
  });

  it("asks 3×3, stride 1, no dilation, no groups", () => {
    expect(winograd(mali, 56, 64, 64, { stride: 2 })).toBe(false);
    expect(winograd(mali, 56, 64, 64, { dilation: 2 })).toBe(false);
    expect(winograd(mali, 56, 128, 128, { groups: 2 })).toBe(false);
    expect(variants((b, x) => b.conv(x, 64, 5), mali)).toEqual(["conv_generic"]);
  });

  it("is three kernels of one op, what is linked in the last", () => {
    const kernels = run((b, x) => b.relu(b.conv(x, 64, 3)), mali);
    expect(kernels.map(({ name, class: kind, ops }) => [name, kind, ops])).toEqual([
      ["winograd_4x4_to_36_0", "gpu-winograd-transform", [0]],
      ["convolution_winograd_4x4_6x6_0", "gpu-conv-winograd", [0]],
      ["winograd_36_to_4x4_0_linked_:_relu_1", "gpu-winograd-transform", [0, 1]],
    ]);
    expect(kernels[1]!.why.join()).toContain("16 input and 16 output slices");
  });
});

describe("other convolutions (selectors/default/convolution_selector.cc, tasks/conv_constants.cc)", () => {
  const pointwise = (inside: number, outside: number, gpu: string, options?: GpuOptions) =>
    variants((b, x) => b.conv(x, outside, 1), gpu, [1, 56, 56, inside], options)[0];

  it("keeps few weights in constant memory on Adreno: 3584 bytes and 8 output slices", () => {
    // 56 × 4 × 8 × 2 bytes = 3584.
    expect(pointwise(56, 32, adreno)).toBe("conv_constants");
    expect(pointwise(57, 32, adreno)).toBe("conv_generic");
    expect(pointwise(8, 33, adreno)).toBe("conv_generic");
    // float32 doubles the bytes, the 5xx has 2560.
    expect(pointwise(56, 32, adreno, { precision: "float32" })).toBe("conv_generic");
    expect(pointwise(40, 32, "Adreno (TM) 540")).toBe("conv_constants");
    expect(pointwise(41, 32, "Adreno (TM) 540")).toBe("conv_generic");
  });

  it("counts one filter by its input slices where that is less", () => {
    // 29 filters: by dot products 29 × 4 × 15 × 2 = 3480 bytes, else 60 × 4 × 8 × 2 = 3840.
    expect(pointwise(60, 29, adreno)).toBe("conv_constants");
    expect(pointwise(60, 32, adreno)).toBe("conv_generic");
  });

  it("takes the general kernel on Mali, PowerVR and AMD", () => {
    for (const gpu of [mali, powervr, "Samsung Xclipse 920"])
      expect(pointwise(8, 8, gpu)).toBe("conv_generic");
    expect(pointwise(8, 8, "NVIDIA Tegra")).toBe("conv_constants");
  });

  it("takes Apple's matrix units for large float32 products only", () => {
    expect(pointwise(64, 64, apple)).toBe("conv_generic");
    expect(pointwise(64, 64, apple, { precision: "float32" })).toBe("conv_metal_simd");
    expect(pointwise(64, 60, apple, { precision: "float32" })).toBe("conv_generic");
  });

  it("are grouped in one kernel when groups are multiples of four channels, else split (model_builder.cc)", () => {
    expect(names((b, x) => b.conv(x, 32, 3, { groups: 8 }))).toEqual(["convolution_2d_grouped_0"]);
    const split = run((b, x) => b.conv(x, 6, 3, { groups: 2 }), adreno, [1, 8, 8, 6]);
    expect(split.map(({ name }) => name)).toEqual([
      "split_0",
      "convolution_2d_1",
      "convolution_2d_2",
      "concat_3",
    ]);
    expect(split.map(({ ops }) => ops)).toEqual([[0], [0], [0], [0]]);
    expect(split[1]!.inputs[0]!.c).toBe(3);
  });

  it("of one channel a filter are depthwise (model_builder.cc)", () => {
    expect(names((b, x) => b.conv(x, 64, 3, { groups: 64 }))).toEqual(["depthwise_convolution_0"]);
  });

  it("of a single place are fully connected (transformations/make_fully_connected.cc)", () => {
    const shape = [1, 1, 1, 64];
    expect(names((b, x) => b.conv(x, 16, 1, { activation: "relu" }), adreno, shape)).toEqual([
      "fully_connected_0_linked_:_relu_1",
    ]);
    expect(names((b, x) => b.conv(x, 16, 1), adreno, [1, 2, 1, 64])).toEqual(["convolution_2d_0"]);
  });
});

describe("depthwise and transposed convolutions (selectors/default)", () => {
  const depthwise = (gpu: string, options: object, kernel = 3, settings?: GpuOptions) =>
    variants((b, x) => b.depthwise(x, kernel, options), gpu, [1, 28, 28, 32], settings)[0];

  it("take the 3×3 kernel for stride 1 and padding 1 (dw_convolution_selector.cc)", () => {
    for (const gpu of [adreno, powervr, mali, "Mali-G57 MC2"])
      expect(depthwise(gpu, { padding: "same" })).toBe("depthwise_conv_3x3");
    for (const gpu of ["Mali-T880", "Mali-G78"])
      expect(depthwise(gpu, { padding: "same" })).toBe("depthwise_conv");
    expect(depthwise(mali, { padding: "same" }, 3, { precision: "float32" })).toBe("depthwise_conv");
    expect(depthwise(adreno, { padding: "valid" })).toBe("depthwise_conv");
    expect(depthwise(adreno, { padding: "same" }, 5)).toBe("depthwise_conv");
    expect(depthwise(adreno, { padding: "same", stride: 2 })).toBe("depthwise_conv");
    expect(depthwise(adreno, { padding: "same", multiplier: 2 })).toBe("depthwise_conv");
    expect(depthwise(apple, { padding: "same", stride: 2 })).toBe("depthwise_conv_3x3_stride_h2");
  });

  it("count padding that was merged", () => {
    expect(depthwise(adreno, { padding: 1 })).toBe("depthwise_conv_3x3");
  });

  it("transposed ones have thin kernels but on Mali and AMD (convolution_transposed_selector.cc)", () => {
    const transposed = (gpu: string, filters: number, kernel: number, options: object) =>
      variants((b, x) => b.transposeConv(x, filters, kernel, options), gpu, [1, 8, 8, 16])[0];
    expect(transposed(adreno, 4, 2, { stride: 2, padding: "valid" })).toBe("conv_transposed_thin");
    expect(transposed(adreno, 5, 2, { stride: 2, padding: "valid" })).toBe("conv_transposed");
    expect(transposed(mali, 4, 2, { stride: 2, padding: "valid" })).toBe("conv_transposed");
    expect(transposed(powervr, 16, 3, { stride: 2, padding: "same" })).toBe("conv_transposed_3x3");
    expect(transposed(adreno, 16, 3, { stride: 2, padding: "same" })).toBe("conv_transposed");
    expect(transposed(powervr, 16, 4, { stride: 2, padding: "same" })).toBe("conv_transposed_4x4");
  });
});

describe("merging before kernels are chosen (transformations)", () => {
  it("takes zero padding into the window that reads it alone (merge_padding_with.cc)", () => {
    const kernels = run((b, x) => b.conv(x, 8, 3, { padding: 1 }));
    expect(kernels.map(({ name, ops }) => [name, ops])).toEqual([["convolution_2d_1", [1, 0]]]);
    expect(kernels[0]!.window).toMatchObject({ padTop: 1, padLeft: 1, padBottom: 1, padRight: 1 });
    expect(kernels[0]!.why.join()).toContain("zero padding (op 0)");
    const pad = (b: GraphBuilder, x: Value) => b.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
    const shared = names((b, x) => {
      const y = pad(b, x);
      return [b.maxPool(y, 3), b.conv(y, 8, 3)];
    });
    expect(shared).toEqual(["pad_0", "pooling_2d_1", "convolution_2d_2"]);
    expect(names((b, x) => b.relu(pad(b, x)))).toEqual(["pad_0_linked_:_relu_1"]);
  });

  it("takes channels padded with zeros into an addition", () => {
    const body: Body = (b, x) => {
      const wide = b.conv(x, 96, 1);
      return b.add(b.pad(x, [[0, 0], [0, 0], [0, 0], [0, 32]]), wide); // prettier-ignore
    };
    const kernels = run(body);
    expect(kernels.map(({ name }) => name)).toEqual(["convolution_2d_0", "add_2"]);
    expect(kernels[1]!.why.join()).toContain("unequal channels");
  });

  it("takes constant vectors after a convolution into weights and bias (fuse_mul_to_conv.cc, fuse_add_to_conv.cc)", () => {
    const vector = (b: GraphBuilder, size: number) => b.parameter("vector", [size], 1);
    const folded = run((b, x) => b.relu(b.add(b.mul(b.conv(x, 8, 1), vector(b, 8)), vector(b, 8))));
    expect(folded.map(({ name, ops }) => [name, ops])).toEqual([
      ["convolution_2d_0_linked_:_relu_3", [0, 1, 2, 3]],
    ]);
    expect(names((b, x) => b.mul(b.relu(b.conv(x, 8, 1)), b.scalar(2)))).toEqual([
      "convolution_2d_0_linked_:_relu_1_linked_:_mul_2",
    ]);
  });

  it("takes constant vectors before a convolution, a summand only without padding", () => {
    const vector = (b: GraphBuilder) => b.parameter("vector", [64], 1);
    expect(names((b, x) => b.conv(b.mul(x, vector(b)), 8, 3, { padding: "same" }))).toEqual([
      "convolution_2d_1",
    ]);
    expect(names((b, x) => b.conv(b.add(x, vector(b)), 8, 3, { padding: "valid" }))).toEqual([
      "convolution_2d_1",
    ]);
    expect(names((b, x) => b.conv(b.add(x, vector(b)), 8, 3, { padding: "same" }))).toEqual([
      "add_0",
      "convolution_2d_1",
    ]);
  });

  it("makes a mean of an average over the whole input (global_pooling_to_reduce_op.cc)", () => {
    expect(names((b, x) => b.averagePool(x, 56, { stride: 1, padding: "valid" }))).toEqual(["mean_0"]);
    expect(names((b, x) => b.averagePool(x, 28, { stride: 28, padding: "valid" }))).toEqual(["pooling_2d_0"]);
    expect(names((b, x) => b.maxPool(x, 56, { stride: 1, padding: "valid" }))).toEqual(["pooling_2d_0"]);
  });

  it("removes reshapes that change nothing, but not the network's output (remove_noop.cc)", () => {
    expect(names((b, x) => b.relu(b.reshape(b.conv(x, 8, 1), [1, 56, 56, 8])))).toEqual([
      "convolution_2d_0_linked_:_relu_2",
    ]);
    expect(names((b, x) => b.reshape(b.conv(x, 8, 56, { padding: "valid" }), [1, 8]))).toEqual([
      "convolution_2d_0",
      "reshape_1",
    ]);
  });
});

describe("linking (gpu_model.cc)", () => {
  it("numbers ops and fused activations and links chains", () => {
    expect(names((b, x) => b.hardSwish(b.conv(b.conv(x, 8, 1, { activation: "relu" }), 8, 1)))).toEqual([
      "convolution_2d_0_linked_:_relu_1",
      "convolution_2d_2_linked_:_hard_swish_3",
    ]);
    const options: GpuOptions = { rules: "litert-2026" };
    expect(names((b, x) => b.relu(b.conv(x, 8, 1)), adreno, undefined, options)).toEqual([
      "convolution_2d_0 -> relu_1",
    ]);
  });

  it("joins a residual addition to the branch that ends last, whichever input it is", () => {
    const body = (swap: boolean) => (b: GraphBuilder, x: Value) => {
      const [first, second] = [b.conv(x, 8, 1), b.conv(x, 8, 1)];
      return swap
        ? b.add(second, first, { activation: "relu" })
        : b.add(first, second, { activation: "relu" });
    };
    for (const swap of [true, false]) {
      const kernels = run(body(swap));
      expect(kernels.map(({ name, ops }) => [name, ops])).toEqual([
        ["convolution_2d_0", [0]],
        ["convolution_2d_1_linked_:_add_2_linked_:_relu_3", [1, 2]],
      ]);
      expect(kernels[1]!.linked).toEqual([
        { type: "add", op: 2, operands: [{ b: 1, h: 56, w: 56, c: 8 }] },
        { type: "relu", op: 2, operands: [] },
      ]);
    }
  });

  it("does not link where another reader or the outside needs the result", () => {
    expect(names((b, x) => {
      const y = b.conv(x, 8, 1);
      return [b.relu(y), y];
    })).toEqual(["convolution_2d_0", "relu_1"]); // prettier-ignore
    expect(names((b, x) => {
      const y = b.conv(x, 8, 1);
      return b.mul(b.sigmoid(y), y);
    })).toEqual(["convolution_2d_0", "sigmoid_1_linked_:_mul_2"]); // prettier-ignore
  });

  it("does not link what repeats its first input, nor a gate that is the second", () => {
    expect(
      names((b, x) => {
        const y = b.depthwise(x, 3, { activation: "relu" });
        const gate = b.conv(b.globalAveragePool(y, { keepDims: true }), 64, 1);
        return b.conv(b.mul(y, gate), 8, 1);
      }),
    ).toEqual([
      "depthwise_convolution_0_linked_:_relu_1",
      "mean_2",
      "fully_connected_3",
      "mul_4",
      "convolution_2d_5",
    ]);
  });

  it("links x · f(x) whole since 2026", () => {
    const body: Body = (b, x) => {
      const y = b.conv(x, 8, 1);
      return b.mul(y, b.sigmoid(y));
    };
    const [kernel, ...more] = run(body, adreno, undefined, { rules: "litert-2026" });
    expect(more).toEqual([]);
    expect(kernel!.name).toBe("convolution_2d_0 -> sigmoid_1 -> mul_2");
  });

  it("does not link to a kernel of several outputs", () => {
    expect(names((b, x) => b.split(x, 2).map((piece) => b.relu(piece)))).toEqual([
      "split_0",
      "relu_1",
      "relu_2",
    ]);
  });
});

describe("depthwise and 1×1 in one kernel (tasks/special/depthwise_conv_plus_1x1_conv.cc)", () => {
  const thin =
    (channels: number, filters: number, kernel = 3): Body =>
    (b, x) =>
      b.conv(b.depthwise(b.conv(x, channels, 1), kernel, { activation: "relu" }), filters, 1, {
        activation: "relu",
      });

  it("is Apple's in 2.10, up to 16 channels and filters", () => {
    const kernels = run(thin(16, 16), apple);
    expect(kernels.map(({ name, ops }) => [name, ops])).toEqual([
      ["convolution_2d_0", [0]],
      ["depthwise_conv_plus_1x1_conv_1_2_3_linked_:_relu_4", [1, 2]],
    ]);
    for (const body of [thin(20, 16), thin(16, 20), thin(16, 16, 5)])
      expect(run(body, apple).some(({ class: kind }) => kind === "gpu-depthwise-conv")).toBe(false);
    expect(run(thin(8, 12), apple, undefined, { precision: "float32" })).toHaveLength(3);
    expect(run(thin(8, 8), apple, undefined, { precision: "float32" })).toHaveLength(2);
  });

  it("needs sustained speed elsewhere and is not Mali's or PowerVR's", () => {
    expect(run(thin(16, 16), adreno)).toHaveLength(3);
    expect(run(thin(32, 32), adreno, undefined, { sustainedSpeed: true })).toHaveLength(2);
    for (const gpu of [mali, powervr])
      expect(run(thin(16, 16), gpu, undefined, { sustainedSpeed: true })).toHaveLength(3);
  });
});

describe("the other kernels", () => {
  it("choose by shape: softmax, reshape, concatenation (simple_selectors.cc)", () => {
    expect(variants((b, x) => b.softmax(x), adreno, [1, 1, 1, 1000])).toEqual(["softmax1x1"]);
    expect(variants((b, x) => b.softmax(x), adreno, [1, 4, 4, 8])).toEqual(["softmax"]);
    expect(variants((b, x) => b.reshape(x, [1, 28, 112, 64]))).toEqual(["reshapex4"]);
    expect(variants((b, x) => b.reshape(x, [1, 56, 112, 32]))).toEqual(["reshapex4"]);
    expect(variants((b, x) => b.reshape(x, [1, 56, 1792, 2]))).toEqual(["reshape"]);
    expect(variants((b, x) => b.concat([x, b.relu(x)]))).toEqual(["relu", "concat_z"]);
    expect(variants((b, x) => b.concat([x, b.relu(x)], { axis: 1 }))).toEqual(["relu", "concat_xy"]);
  });

  it("cut on Mali since 2026: splits into slices, concatenations of eight into groups", () => {
    const options: GpuOptions = { rules: "litert-2026" };
    const body: Body = (b, x) => b.concat(b.split(x, 8));
    expect(variants(body, mali)).toEqual(["split", "concat_z"]);
    expect(variants(body, mali, undefined, options)).toEqual([...Array<string>(8).fill("slice"), "concat_z"]);
    const wide: Body = (b, x) => b.concat(b.split(x, 16));
    const concats = run(wide, mali, undefined, options).filter(({ class: kind }) => kind === "gpu-concat");
    expect(concats.map(({ inputs, outputs }) => [inputs.length, outputs[0]!.c])).toEqual([[8, 32], [9, 64]]); // prettier-ignore
  });

  it("multiply computed matrices as a convolution (operation_selector.cc)", () => {
    const body: Body = (b, x) => b.batchMatmul(x, b.relu(x), { transposeRight: true });
    expect(variants(body, adreno, [1, 16, 32], { rules: "litert-2026" })).toEqual([
      "relu",
      "bhwc_tensor_to_conv_weights",
      "mat_mul_as_convolution",
    ]);
    expect(variants(body, adreno, [1, 16, 32])).toContain("transpose");
    expect(variants(body, adreno, [4, 16, 32], { rules: "litert-2026" })).toHaveLength(5);
  });

  it("treat fully connected layers by their input's places (model_builder.cc, fully_connected_selector.cc)", () => {
    const body: Body = (b, x) => b.fullyConnected(x, 8, { keepDims: true });
    expect(names(body, adreno, [1, 64])).toEqual(["fully_connected_0"]);
    expect(names(body, adreno, [1, 49, 64])).toEqual(["convolution_2d_0"]);
    expect(run(body, adreno, [4, 64])[0]).toMatchObject({ class: "gpu-conv", variant: "conv_generic" });
  });

  it("round what is quantised by a linked operation (add_quant_adjustments.cc)", () => {
    const graph = quantizeGraph(build((b, x) => b.conv(x, 8, 1, { activation: "relu" })));
    const { kernels, cpu } = deduceKernels(graph, adreno);
    expect(cpu).toEqual([]);
    expect(kernels.flatMap(({ linked }) => linked.map(({ type }) => type))).toContain(
      "quantize_and_dequantize",
    );
  });
});

describe("what stays on the CPU", () => {
  it("is named with its reason, and the GPU takes the largest piece (graph_info.cc, delegates/utils.cc)", () => {
    const graph = build((b, x) => {
      const y = b.gelu(b.conv(b.conv(x, 8, 1), 8, 1));
      return b.conv(y, 8, 1);
    });
    const { kernels, cpu, pieces } = deduceKernels(graph, adreno);
    expect(pieces).toBe(2);
    expect(kernels.map(({ ops }) => ops)).toEqual([[0], [1]]);
    expect(cpu.map(({ op }) => op)).toEqual([2, 3]);
    expect(cpu[0]!.why).toBe("the delegate has no GELU");
    expect(cpu[1]!.why).toContain("the largest (2 ops)");
    expect(deduceKernels(graph, adreno, { rules: "litert-2026" }).cpu).toEqual([]);
  });

  it("is what has more than four dimensions, custom operators, unfit attributes", () => {
    const refuse = (graph: Graph) =>
      deduceKernels(graph, adreno)
        .cpu.map(({ why }) => why)
        .join();
    expect(refuse(build((b, x) => b.reshape(x, [1, 7, 8, 56, 64])))).toContain("5 dimensions");
    expect(refuse(build((b, x) => b.softmax(x, { beta: 2 })))).toContain("beta is not 1");
    const custom = build((b, x) => b.relu(x));
    Object.assign(mainSubgraph(custom).ops[0]!, { custom: true, type: "Mine" });
    expect(refuse(custom)).toContain("Mine is a custom operator");
    const dynamic = build((b, x) => b.relu(x));
    mainSubgraph(dynamic).tensors[0]!.shapeSignature = [-1, 56, 56, 64];
    expect(refuse(dynamic)).toContain("not fixed");
  });
});

describe("all of it", () => {
  it("covers every op of sampled networks exactly where it runs, on every vendor", () => {
    for (let index = 0; index < 12; index++) {
      const { graph } = sampleNetwork(7, index);
      for (const gpu of [adreno, mali, powervr, apple])
        for (const rules of ["tflite-2.10", "litert-2026"] as const) {
          const { kernels, cpu } = deduceKernels(graph, gpu, { rules });
          const onGpu = new Set(kernels.flatMap(({ ops }) => ops));
          const covered = [...onGpu, ...cpu.map(({ op }) => op)].sort((a, b) => a - b);
          expect(covered).toEqual(mainSubgraph(graph).ops.map((_, op) => op));
          for (const { why, inputs, outputs } of kernels) {
            expect(why.length).toBeGreaterThan(0);
            expect(inputs.length * outputs.length).toBeGreaterThan(0);
          }
        }
    }
  });

  it("leaves the graph as it was", () => {
    const { graph } = sampleNetwork(7, 1);
    const before = JSON.stringify(graph);
    deduceKernels(graph, apple);
    expect(JSON.stringify(graph)).toBe(before);
  });

  it("reads kernel names of old and new benchmarks", () => {
    expect(readGpuKernelName("convolution_2d_11_linked_:_add_12_linked_:_relu_15")).toEqual({
      class: "gpu-conv",
      operations: ["convolution_2d", "add", "relu"],
    });
    expect(readGpuKernelName("depthwise_conv_plus_1x1_conv_5_6_7_linked_:_add_8").class).toBe(
      "gpu-depthwise-conv",
    );
    expect(readGpuKernelName("convolution_winograd_4x4_6x6_1").class).toBe("gpu-conv-winograd");
    expect(readGpuKernelName("pooling_2d 3 -> relu 4")).toEqual({
      class: "gpu-pool",
      operations: ["pooling_2d", "relu"],
    });
    expect(readGpuKernelName("mystery_1").class).toBeNull();
  });
});

describe("tiles of the general convolution (tasks/conv_generic.cc)", () => {
  const tiles = (gpu: string, size: number, filters: number, kernel = 1) => {
    const graph = build((b, x) => b.conv(x, filters, kernel, { padding: "same" }), [1, size, size, 8]);
    const { device, kernels } = deduceKernels(graph, gpu);
    const { x, y, slices, threads } = cutTiles(device, kernels[0]!, "float16");
    return [x, y, slices, threads];
  };

  it("grow with the waves on Adreno: 6, 12, 24 rounds of 128 threads on 2 units", () => {
    // 16 × 16 × 16 slices of 64 filters = 4096 threads: 16 rounds, so two places and two slices each.
    expect(tiles(adreno, 16, 64)).toEqual([2, 1, 2, 8 * 16 * 8]);
    expect(tiles(adreno, 8, 96)).toEqual([1, 1, 1, 64 * 24]);
    // 8 × 8 × 25 slices = 1600 threads: 6.25 rounds.
    expect(tiles(adreno, 8, 100)).toEqual([2, 1, 1, 4 * 8 * 25]);
    expect(tiles(adreno, 32, 64)).toEqual([2, 2, 2, 16 * 16 * 8]);
  });

  it("grow with the tasks of a core on Mali-G76: 256, 1536, 4096, at most four places off 1×1", () => {
    // 14 × 14 × 16 = 3136 tasks on 12 cores: 261.
    expect(tiles(mali, 14, 64)).toEqual([2, 1, 1, 7 * 14 * 16]);
    expect(tiles(mali, 13, 64)).toEqual([1, 1, 1, 13 * 13 * 16]);
    expect(tiles(mali, 56, 64)).toEqual([2, 2, 2, 28 * 28 * 8]);
    expect(tiles(mali, 56, 64, 3)).toEqual([2, 1, 2, 28 * 56 * 8]);
  });

  it("divide slices on PowerVR", () => {
    expect(tiles(powervr, 10, 64)).toEqual([2, 1, 4, 5 * 10 * 4]);
    expect(tiles(powervr, 10, 24)).toEqual([2, 1, 2, 5 * 10 * 3]);
    expect(tiles(powervr, 10, 12)).toEqual([2, 1, 3, 5 * 10 * 1]);
  });
});
