import { ElementwiseBuilder, fusedName } from "./elementwiseBuilder.ts";
import type { Activation } from "./elementwiseBuilder.ts";
import type { Value } from "./graphAssembler.ts";
import { describeShape, slideWindow, unslideWindow } from "./shapeInference.ts";
import type { PaddingScheme } from "./shapeInference.ts";

/** One number for both dimensions, or [height, width]. */
export type Extent = number | readonly [height: number, width: number];

/**
 * TFLite's schemes by name, or zeros added by a PAD op before a VALID window: the same number on all sides, or each side.
 * A padding of all zeros adds no PAD.
 */
export type Padding =
  "same" | "valid" | number | readonly [top: number, bottom: number, left: number, right: number];

export interface WindowOptions {
  stride?: Extent;
  padding?: Padding;
  name?: string;
}

export interface ConvolutionOptions extends WindowOptions {
  dilation?: Extent;
  /** Default "none"; the batch norm of training is already folded into weights and bias. */
  activation?: Activation;
  /** Default true; without, the bias is written as zeros. A number is the bias of every channel, as a converter folds it in. */
  bias?: boolean | number;
}

interface Window {
  input: Value;
  output: [height: number, width: number];
  scheme: PaddingScheme;
}

const biasLimit = 0.1;

/** Layers that slide a window or multiply by weights: convolutions, fully connected, pooling, and what they need. */
export class LayerBuilder extends ElementwiseBuilder {
  /**
   * CONV_2D with a filter [filters, kh, kw, in ÷ groups]; throws when the groups do not divide both channel counts. Groups in
   * one operator need TFLite 2.10 or newer on a CPU; `GraphBuilder.groupedConv` runs everywhere.
   */
  conv(
    x: Value,
    filters: number,
    kernel: Extent,
    options: ConvolutionOptions & { groups?: number } = {},
  ): Value {
    const name = this.claimName(options.name ?? "conv");
    const groups = options.groups ?? 1;
    const channels = this.imageOf(x, name)[3];
    if (!Number.isInteger(filters) || filters < 1)
      throw new Error(`${name}: ${filters} is no number of filters`);
    if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0 || filters % groups !== 0)
      throw new Error(
        `${name}: ${groups} groups do not divide ${channels} input and ${filters} output channels`,
      );
    const size = extent(kernel);
    const window = this.placeWindow(x, name, size, options);
    const fanIn = (channels / groups) * size[0] * size[1];
    const weights = [this.addFilter(name, [filters, ...size, channels / groups], fanIn, options.activation)];
    weights.push(this.addBias(name, filters, options.bias));
    const [stride, dilation] = [extent(options.stride ?? 1), extent(options.dilation ?? 1)];
    const y = this.appendOne({
      type: "CONV_2D",
      name,
      version: groups > 1 ? 6 : 1,
      inputs: [window.input, ...weights],
      outputShape: [x.shape[0]!, ...window.output, filters],
      attributes: {
        padding: window.scheme,
        strideW: stride[1],
        strideH: stride[0],
        fusedActivationFunction: fusedName(options.activation),
        dilationWFactor: dilation[1],
        dilationHFactor: dilation[0],
      },
    });
    return this.activateRest(y, options.activation, name);
  }

  /** DEPTHWISE_CONV_2D with a filter [1, kh, kw, in × multiplier]. */
  depthwise(x: Value, kernel: Extent, options: ConvolutionOptions & { multiplier?: number } = {}): Value {
    const name = this.claimName(options.name ?? "depthwise");
    const multiplier = options.multiplier ?? 1;
    if (!Number.isInteger(multiplier) || multiplier < 1)
      throw new Error(`${name}: ${multiplier} is no depth multiplier`);
    const filters = this.imageOf(x, name)[3] * multiplier;
    const size = extent(kernel);
    const window = this.placeWindow(x, name, size, options);
    const weights = [this.addFilter(name, [1, ...size, filters], size[0] * size[1], options.activation)];
    weights.push(this.addBias(name, filters, options.bias));
    const [stride, dilation] = [extent(options.stride ?? 1), extent(options.dilation ?? 1)];
    const y = this.appendOne({
      type: "DEPTHWISE_CONV_2D",
      name,
      version: dilation[0] > 1 || dilation[1] > 1 ? 2 : 1,
      inputs: [window.input, ...weights],
      outputShape: [x.shape[0]!, ...window.output, filters],
      attributes: {
        padding: window.scheme,
        strideW: stride[1],
        strideH: stride[0],
        depthMultiplier: multiplier,
        fusedActivationFunction: fusedName(options.activation),
        dilationWFactor: dilation[1],
        dilationHFactor: dilation[0],
      },
    });
    return this.activateRest(y, options.activation, name);
  }

  /** TRANSPOSE_CONV with a filter [filters, kh, kw, in]; SAME gives input × stride. */
  transposeConv(
    x: Value,
    filters: number,
    kernel: Extent,
    options: {
      stride?: Extent;
      padding?: "same" | "valid";
      activation?: Activation;
      bias?: boolean;
      name?: string;
    } = {},
  ): Value {
    const name = this.claimName(options.name ?? "transpose_conv");
    const [batch, height, width, channels] = this.imageOf(x, name);
    const size = extent(kernel);
    const stride = extent(options.stride ?? 2);
    const scheme = options.padding === "valid" ? "VALID" : "SAME";
    const outputShape = [
      batch,
      unslideWindow(height, size[0], stride[0], scheme),
      unslideWindow(width, size[1], stride[1], scheme),
      filters,
    ];
    const fanIn = (channels * size[0] * size[1]) / (stride[0] * stride[1]);
    const filter = this.addFilter(name, [filters, ...size, channels], fanIn, options.activation);
    const inputs = [this.addIntegers(`${name}/output_shape`, outputShape), filter, x];
    const bias = options.bias ?? true;
    if (bias) inputs.push(this.addBias(name, filters));
    const y = this.appendOne({
      type: "TRANSPOSE_CONV",
      name,
      version: bias ? 3 : 1,
      inputs,
      outputShape,
      attributes: { padding: scheme, strideW: stride[1], strideH: stride[0] },
    });
    // Runtimes before 2.15 know no fused activation here.
    return this.activateUnfused(y, options.activation, name);
  }

  /** FULLY_CONNECTED over the last axis with weights [units, in]; leading axes are kept when `keepDims` is set, else merged. */
  fullyConnected(
    x: Value,
    units: number,
    options: { activation?: Activation; bias?: boolean; keepDims?: boolean; name?: string } = {},
  ): Value {
    const name = this.claimName(options.name ?? "fully_connected");
    const channels = x.shape.at(-1);
    if (!channels) throw new Error(`${name}: a scalar has no features`);
    const keepDims = options.keepDims ?? x.shape.length > 2;
    const bias = options.bias ?? true;
    const inputs = [x, this.addFilter(name, [units, channels], channels, options.activation, "weights")];
    if (bias) inputs.push(this.addBias(name, units));
    const rows = x.shape.slice(0, -1);
    const y = this.appendOne({
      type: "FULLY_CONNECTED",
      name,
      version: !bias ? 6 : keepDims ? 5 : 1,
      inputs,
      outputShape: keepDims ? [...rows, units] : [rows.reduce((product, size) => product * size, 1), units],
      attributes: {
        fusedActivationFunction: fusedName(options.activation),
        weightsFormat: "DEFAULT",
        keepNumDims: keepDims,
        asymmetricQuantizeInputs: false,
      },
    });
    return this.activateRest(y, options.activation, name);
  }

  /** MAX_POOL_2D; the stride is the window unless given. Explicit padding adds zeros, which suits inputs after a ReLU. */
  maxPool(x: Value, window: Extent, options: WindowOptions = {}): Value {
    return this.pool("MAX_POOL_2D", x, window, { name: "max_pool", ...options });
  }

  /** AVERAGE_POOL_2D; the stride is the window unless given. SAME leaves padding out of the average, explicit zeros count. */
  averagePool(x: Value, window: Extent, options: WindowOptions = {}): Value {
    return this.pool("AVERAGE_POOL_2D", x, window, { name: "average_pool", ...options });
  }

  /** PAD with zeros: for each axis how many before and after. */
  pad(x: Value, paddings: readonly (readonly [before: number, after: number])[], name = "pad"): Value {
    return this.padAs(this.claimName(name), x, paddings);
  }

  /** Batch, height, width, channels; throws when the tensor is not an image. */
  protected imageOf(x: Value, name: string): [number, number, number, number] {
    if (x.shape.length !== 4)
      throw new Error(`${name} needs an NHWC image, not the shape ${describeShape(x.shape)}`);
    return [x.shape[0]!, x.shape[1]!, x.shape[2]!, x.shape[3]!];
  }

  private pool(type: string, x: Value, kernel: Extent, options: WindowOptions & { name: string }): Value {
    const name = this.claimName(options.name);
    const channels = this.imageOf(x, name)[3];
    const size = extent(kernel);
    const stride = extent(options.stride ?? size);
    const window = this.placeWindow(x, name, size, { ...options, stride });
    return this.appendOne({
      type,
      name,
      inputs: [window.input],
      outputShape: [x.shape[0]!, ...window.output, channels],
      attributes: {
        padding: window.scheme,
        strideW: stride[1],
        strideH: stride[0],
        filterWidth: size[1],
        filterHeight: size[0],
        fusedActivationFunction: "NONE",
      },
    });
  }

  private placeWindow(
    x: Value,
    name: string,
    kernel: readonly [number, number],
    options: { stride?: Extent; dilation?: Extent; padding?: Padding },
  ): Window {
    const padding = options.padding ?? "same";
    let input = x;
    if (typeof padding !== "string") {
      const [top, bottom, left, right] =
        typeof padding === "number" ? [padding, padding, padding, padding] : padding;
      if (top || bottom || left || right)
        input = this.padAs(`${name}/pad`, x, [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ]);
    }
    const scheme = padding === "same" ? "SAME" : "VALID";
    const stride = extent(options.stride ?? 1);
    const dilation = extent(options.dilation ?? 1);
    const slide = (axis: 0 | 1) =>
      slideWindow(input.shape[axis + 1]!, kernel[axis], stride[axis], dilation[axis], scheme);
    try {
      return { input, output: [slide(0), slide(1)], scheme };
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  private padAs(fullName: string, x: Value, paddings: readonly (readonly [number, number])[]): Value {
    if (
      paddings.length !== x.shape.length ||
      paddings.flat().some((zeros) => !Number.isInteger(zeros) || zeros < 0)
    )
      throw new Error(
        `${fullName}: paddings ${JSON.stringify(paddings)} do not fit ${describeShape(x.shape)}`,
      );
    const constant = this.addIntegers(`${fullName}/paddings`, paddings.flat(), [paddings.length, 2]);
    return this.appendOne({
      type: "PAD",
      name: fullName,
      inputs: [x, constant],
      outputShape: x.shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]),
      attributes: {},
    });
  }

  // TFLite's convolutions want a bias; converters give them zeros where the network has none.
  private addBias(name: string, length: number, bias: boolean | number = true): Value {
    if (typeof bias === "number")
      return this.addValues(`${name}/bias`, new Array<number>(length).fill(bias), [length], "float32");
    return this.addWeight(`${name}/bias`, [length], bias ? biasLimit : 0);
  }

  // Uniform numbers whose variance keeps that of the activations (He et al. 2015): 2 ÷ fan-in before a rectifier, else 1 ÷ fan-in.
  private addFilter(
    name: string,
    shape: readonly number[],
    fanIn: number,
    activation: Activation = "none",
    suffix = "filter",
  ): Value {
    const gain = activation === "none" || activation === "sigmoid" || activation === "tanh" ? 3 : 6;
    return this.addWeight(`${name}/${suffix}`, shape, Math.sqrt(gain / fanIn));
  }
}

function extent(size: Extent): readonly [number, number] {
  return typeof size === "number" ? [size, size] : size;
}
