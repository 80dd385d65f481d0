import {
  chooseConvolution,
  chooseDepthwise,
  chooseTransposed,
  countWinogradTiles,
  judgeWinograd,
} from "./gpuConvolution.ts";
import type { GpuDevice } from "./gpuDevice.ts";
import type { GpuKernelClass } from "./gpuKernel.ts";
import { shapeOf } from "./gpuNode.ts";
import type { GpuGraph, GpuNode, GpuWindow } from "./gpuNode.ts";
import { isElementwise } from "./gpuOperations.ts";
import type { GpuSettings } from "./gpuRules.ts";
import { isSameBhwc } from "./gpuShape.ts";
import type { GpuStep } from "./gpuStep.ts";

/** Makes steps of the delegate's nodes one by one (operation_selector.cc, GPUOperationFromNode). */
export class GpuSelector {
  private readonly graph: GpuGraph;
  private readonly device: GpuDevice;
  private readonly settings: GpuSettings;
  private nextValue: number;

  constructor(graph: GpuGraph, device: GpuDevice, settings: GpuSettings) {
    this.graph = graph;
    this.device = device;
    this.settings = settings;
    this.nextValue = Math.max(-1, ...graph.shapes.keys()) + 1;
  }

  /** The steps of one node; a Winograd convolution makes three, a product of computed matrices two or more. */
  select(node: GpuNode): GpuStep[] {
    switch (node.type) {
      case "convolution_2d":
      case "convolution_2d_grouped":
        return this.selectConvolution(node);
      case "convolution_dynamic":
        return this.selectDynamic(node, "convolution_dynamic");
      case "batched_matmul":
        return this.selectMatrixProduct(node);
      case "depthwise_convolution": {
        const channels = shapeOf(this.graph, node.inputs[0]).c;
        const { variant, why } = chooseDepthwise(this.device, node.window!, channels, this.settings);
        return [this.makeStep(node, { class: "gpu-depthwise", variant, why })];
      }
      case "convolution_transposed": {
        const { variant, why } = chooseTransposed(this.device, node.window!);
        return [this.makeStep(node, { class: "gpu-transpose-conv", variant, why })];
      }
      case "fully_connected":
        return [this.selectFullyConnected(node)];
      case "concat":
        return this.selectConcat(node);
      case "split":
        return this.selectSplit(node);
      case "softmax":
        return [this.selectSoftmax(node)];
      case "reshape":
        return [this.selectReshape(node)];
      default:
        return [this.selectRest(node)];
    }
  }

  private makeStep(
    node: GpuNode,
    choice: { class: GpuKernelClass; variant: string; why: string },
    label = `${node.type}_${node.id}`,
  ): GpuStep {
    return {
      class: choice.class,
      variant: choice.variant,
      label,
      type: node.type,
      ops: [...node.ops],
      inputs: [...node.inputs],
      outputs: [...node.outputs],
      window: node.window,
      links: [],
      linkable: false,
      why: [...node.why, choice.why],
    };
  }

  private addValue(shape: { b: number; h: number; w: number; c: number }): number {
    const value = this.nextValue++;
    this.graph.shapes.set(value, shape);
    return value;
  }

  private selectConvolution(node: GpuNode): GpuStep[] {
    const window = node.window!;
    const output = shapeOf(this.graph, node.outputs[0]);
    const winograd = judgeWinograd(this.device, window, output);
    if (winograd.holds) return this.selectWinograd(node, winograd.why);
    const { variant, why } = chooseConvolution(this.device, window, output, this.settings);
    const kernelClass = window.groups > 1 ? "gpu-conv-grouped" : "gpu-conv";
    const near = window.kernelH === 3 && window.kernelW === 3 ? `no Winograd: ${winograd.why}; ` : "";
    return [this.makeStep(node, { class: kernelClass, variant, why: near + why })];
  }

  /** Transform into 36 places a tile, one matrix product for each place, transform back. */
  private selectWinograd(node: GpuNode, why: string): GpuStep[] {
    const [input, output] = [shapeOf(this.graph, node.inputs[0]), shapeOf(this.graph, node.outputs[0])];
    const tiles = countWinogradTiles(output);
    const before = this.addValue({ b: input.b, h: 36, w: tiles, c: input.c });
    const after = this.addValue({ b: output.b, h: 36, w: tiles, c: output.c });
    const op = node.ops[0]!;
    const pair = /^(apple|amd)$/.test(this.device.vendor) ? "" : "_tile";
    const transform: GpuKernelClass = "gpu-winograd-transform";
    return [
      {
        ...this.makeStep(
          node,
          {
            class: transform,
            variant: `winograd_4x4_to_36${pair}`,
            why: `Winograd's first transform: ${why}`,
          },
          `winograd_4x4_to_36_${node.id}`,
        ),
        outputs: [before],
      },
      {
        ...this.makeStep(
          node,
          { class: "gpu-conv-winograd", variant: "convolution_winograd_4x4_6x6", why: `Winograd: ${why}` },
          `convolution_winograd_4x4_6x6_${node.id}`,
        ),
        inputs: [before],
        outputs: [after],
      },
      {
        ...this.makeStep(
          node,
          {
            class: transform,
            variant: `winograd_36_to_4x4${pair}`,
            why: "Winograd's transform back, with the bias",
          },
          `winograd_36_to_4x4_${node.id}`,
        ),
        ops: [op],
        inputs: [after],
      },
    ];
  }

  /** Weights that are computed are converted into the layout of a convolution first (AddDynamicConv). */
  private selectDynamic(node: GpuNode, name: string): GpuStep[] {
    const [data, weights] = [node.inputs[0]!, node.inputs[1]!];
    const converted = this.addValue(shapeOf(this.graph, weights));
    const convert = this.makeStep(
      node,
      {
        class: "gpu-copy",
        variant: "bhwc_tensor_to_conv_weights",
        why: "computed weights get a convolution's layout",
      },
      `bhwc_tensor_to_conv_weights_${node.id}`,
    );
    const product = this.makeStep(
      node,
      { class: "gpu-conv-dynamic", variant: name, why: "a convolution whose weights are computed" },
      `${name}_${node.id}`,
    );
    return [
      { ...convert, inputs: [weights], outputs: [converted], window: null },
      { ...product, inputs: [data, converted], window: node.window ?? this.readProduct(node) },
    ];
  }

  private readProduct(node: GpuNode): GpuWindow {
    const [first, output] = [shapeOf(this.graph, node.inputs[0]), shapeOf(this.graph, node.outputs[0])];
    return {
      kernelH: 1,
      kernelW: 1,
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      padTop: 0,
      padLeft: 0,
      padBottom: 0,
      padRight: 0,
      groups: 1,
      filterDepth: first.c,
      filters: output.c,
    };
  }

  private selectMatrixProduct(node: GpuNode): GpuStep[] {
    const steps = this.selectDynamic(node, "mat_mul_as_convolution");
    if (this.settings.rules === "tflite-2.10") {
      const weights = node.inputs[1]!;
      const turned = this.addValue(shapeOf(this.graph, weights));
      const transpose = this.makeStep(
        node,
        { class: "gpu-copy", variant: "transpose", why: "the second matrix is transposed into filters" },
        `mat_mul_transpose_second_tensor_${node.id}`,
      );
      steps[0]!.inputs = [turned];
      return [{ ...transpose, inputs: [weights], outputs: [turned] }, ...steps];
    }
    if (shapeOf(this.graph, node.outputs[0]).b === 1) return steps;
    // Several batches: the products become groups of one convolution between two reshapes.
    const [first, last] = [steps[1]!.inputs[0]!, steps[1]!.outputs[0]!];
    const [inside, outside] = [
      this.addValue(shapeOf(this.graph, first)),
      this.addValue(shapeOf(this.graph, last)),
    ];
    const reshape = (label: string, inputs: number[], outputs: number[]): GpuStep => ({
      ...this.makeStep(
        node,
        { class: "gpu-copy", variant: "reshape", why: "batches of a matrix product are reshaped into one" },
        label,
      ),
      inputs,
      outputs,
    });
    steps[1]!.inputs[0] = inside;
    steps[1]!.outputs = [outside];
    return [
      reshape(`mat_mul_reshape_input_${node.id}`, [first], [inside]),
      ...steps,
      reshape(`mat_mul_reshape_result_${node.id}`, [outside], [last]),
    ];
  }

  private selectFullyConnected(node: GpuNode): GpuStep {
    if (shapeOf(this.graph, node.inputs[0]).b === 1)
      return this.makeStep(node, {
        class: "gpu-fully-connected",
        variant: "fully_connected",
        why: "a vector times a matrix has a kernel of its own",
      });
    return this.makeStep(node, {
      class: "gpu-conv",
      variant: "conv_generic",
      why: "a fully connected layer of several batches is a convolution",
    });
  }

  /** Too many inputs for one kernel are concatenated in groups, each with the result of the one before. */
  private selectConcat(node: GpuNode): GpuStep[] {
    const output = shapeOf(this.graph, node.outputs[0]);
    const alongChannels = node.inputs.some((value) => shapeOf(this.graph, value).c !== output.c);
    const variant = alongChannels ? "concat_z" : "concat_xy";
    const why = alongChannels ? "joins channels" : "joins places";
    const most = this.maxConcatInputs();
    if (node.inputs.length < most) return [this.makeStep(node, { class: "gpu-concat", variant, why })];
    const steps: GpuStep[] = [];
    let previous: number | null = null;
    for (let start = 0; start < node.inputs.length; start += most) {
      const inputs = node.inputs.slice(start, start + most);
      if (previous !== null) inputs.unshift(previous);
      const channels = inputs.reduce((sum, value) => sum + shapeOf(this.graph, value).c, 0);
      const last = start + most >= node.inputs.length;
      const result = last
        ? node.outputs[0]!
        : this.addValue({ ...output, c: alongChannels ? channels : output.c });
      const step = this.makeStep(node, {
        class: "gpu-concat",
        variant,
        why: `${why}; ${node.inputs.length} inputs are taken ${most} at a time`,
      });
      steps.push({ ...step, inputs, outputs: [result] });
      previous = result;
    }
    return steps;
  }

  // Images a kernel may read (GetMaxImageArguments) less 8; since 2026 at most 8 on Mali.
  private maxConcatInputs(): number {
    const images = this.device.vendor === "adreno" || this.device.vendor === "mali" ? 128 : 32;
    return this.device.vendor === "mali" && this.settings.rules === "litert-2026" ? 8 : images - 8;
  }

  private selectSplit(node: GpuNode): GpuStep[] {
    if (this.device.vendor !== "mali" || this.settings.rules === "tflite-2.10")
      return [this.makeStep(node, { class: "gpu-copy", variant: "split", why: "copies pieces apart" })];
    return node.outputs.map((output) => ({
      ...this.makeStep(node, {
        class: "gpu-copy",
        variant: "slice",
        why: "Mali cuts out each piece by itself",
      }),
      outputs: [output],
    }));
  }

  private selectSoftmax(node: GpuNode): GpuStep {
    const { h, w, c } = shapeOf(this.graph, node.inputs[0]);
    const single = h * w <= 256 && h * w <= c;
    return this.makeStep(node, {
      class: "gpu-softmax",
      variant: single ? "softmax1x1" : "softmax",
      why: single ? "few places: a work group shares the sum of each" : "many places: a thread each",
    });
  }

  private selectReshape(node: GpuNode): GpuStep {
    const [input, output] = [shapeOf(this.graph, node.inputs[0]), shapeOf(this.graph, node.outputs[0])];
    const fast = input.c % 4 === 0 && output.c % 4 === 0;
    return this.makeStep(node, {
      class: "gpu-copy",
      variant: fast ? "reshapex4" : "reshape",
      why: fast ? "channels are multiples of 4: vectors are copied" : "elements are copied one by one",
    });
  }

  private selectRest(node: GpuNode): GpuStep {
    if (isElementwise(node.type)) {
      const step = this.makeStep(node, {
        class: "gpu-elementwise",
        variant: node.type,
        why: "works on each element by itself",
      });
      const linkable = this.refuseLink(node);
      return linkable === null
        ? { ...step, linkable: true }
        : { ...step, why: [...step.why, `never linked: ${linkable}`] };
    }
    return this.makeStep(
      node,
      rest[node.type] ?? { class: "gpu-copy", variant: node.type, why: "copies elements" },
    );
  }

  /** Why an element-wise operation cannot join the kernel before it (gpu_operation.cc, IsLinkable; elementwise.cc). */
  private refuseLink(node: GpuNode): string | null {
    const [first, second] = [node.inputs[0], node.inputs[1]];
    if (first === undefined) return "it reads constants only";
    if (node.inputs.length > 2) return "it has more than two inputs";
    const shape = shapeOf(this.graph, first);
    if (!isSameBhwc(shape, shapeOf(this.graph, node.outputs[0]))) return "its first input is repeated";
    if (node.type === "add" && second !== undefined) {
      const { c } = shapeOf(this.graph, second);
      if (c !== shape.c && c !== 1) return "it adds tensors of unequal channels";
    }
    return null;
  }
}

const rest: Record<string, { class: GpuKernelClass; variant: string; why: string }> = {
  pooling_2d: { class: "gpu-pool", variant: "pooling", why: "a window over each channel" },
  mean: { class: "gpu-mean", variant: "reduce", why: "a mean over axes" },
  reduce_sum: { class: "gpu-reduce", variant: "reduce", why: "a sum over axes" },
  reduce_maximum: { class: "gpu-reduce", variant: "reduce", why: "a maximum over axes" },
  reduce_minimum: { class: "gpu-reduce", variant: "reduce", why: "a minimum over axes" },
  reduce_product: { class: "gpu-reduce", variant: "reduce", why: "a product over axes" },
  cumsum: { class: "gpu-reduce", variant: "cumsum", why: "a running sum along an axis" },
  resize: { class: "gpu-resize", variant: "resize", why: "reads neighbours for each place" },
  gather: { class: "gpu-gather", variant: "gather", why: "copies places chosen by an index" },
  one_hot: { class: "gpu-gather", variant: "one_hot", why: "writes one place of each vector" },
};
