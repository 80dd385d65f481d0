import type { Activation } from "./elementwiseBuilder.ts";
import type { Value } from "./graphAssembler.ts";
import { LayerBuilder } from "./layerBuilder.ts";
import type { ConvolutionOptions, Extent } from "./layerBuilder.ts";
import {
  concatenateShapes,
  describeShape,
  multiplyShapes,
  reduceShape,
  resolveAxis,
  resolveReshape,
} from "./shapeInference.ts";

export interface SqueezeExciteOptions {
  /** Activation between the two 1×1 convolutions; default "relu". */
  activation?: Activation;
  /** What turns the result into a factor per channel; default "sigmoid". */
  gate?: "sigmoid" | "hard-sigmoid";
  name?: string;
}

/**
 * Builds graphs that read like the architecture tables of papers: each call appends TFLite operators as a converter would
 * write them and returns the resulting tensor. Layout NHWC; wrong shapes throw an Error that names the op.
 */
export class GraphBuilder extends LayerBuilder {
  /** MEAN over the given axes. */
  mean(x: Value, axes: readonly number[], options: { keepDims?: boolean; name?: string } = {}): Value {
    return this.reduce("MEAN", x, axes, options);
  }

  /** SUM over the given axes. */
  sum(x: Value, axes: readonly number[], options: { keepDims?: boolean; name?: string } = {}): Value {
    return this.reduce("SUM", x, axes, options);
  }

  /** The average of each channel: MEAN over height and width, [batch, channels] or with `keepDims` [batch, 1, 1, channels]. */
  globalAveragePool(x: Value, options: { keepDims?: boolean; name?: string } = {}): Value {
    const name = options.name ?? "global_average_pool";
    this.imageOf(x, name);
    return this.mean(x, [1, 2], { ...options, name });
  }

  /**
   * Squeeze-and-excitation (Hu et al. 2018) in TFLite operators: the mean of each channel passes two 1×1 convolutions with
   * `reduced` channels between, and a gate scales the input's channels by the result.
   */
  squeezeExcite(x: Value, reduced: number, options: SqueezeExciteOptions = {}): Value {
    return this.within(options.name ?? "squeeze_excite", () => {
      const channels = this.imageOf(x, "squeeze_excite")[3];
      let gate = this.globalAveragePool(x, { keepDims: true, name: "squeeze" });
      gate = this.conv(gate, reduced, 1, { activation: options.activation ?? "relu", name: "reduce" });
      gate = this.conv(gate, channels, 1, { name: "expand" });
      gate = this.activate(gate, options.gate ?? "sigmoid", "gate");
      return this.mul(x, gate, { name: "scale" });
    });
  }

  /**
   * A grouped convolution as converters write it for runtimes whose CONV_2D knows no groups (TFLite up to 2.9): SPLIT, one
   * convolution for each group, CONCATENATION.
   */
  groupedConv(
    x: Value,
    filters: number,
    kernel: Extent,
    groups: number,
    options: ConvolutionOptions = {},
  ): Value {
    const { name = "grouped_conv", ...rest } = options;
    if (groups === 1) return this.conv(x, filters, kernel, { name, ...rest });
    return this.within(name, () => {
      if (!Number.isInteger(groups) || groups < 1 || filters % groups !== 0)
        throw new Error(`${name}: ${groups} groups do not divide ${filters} output channels`);
      const pieces = this.split(x, groups);
      const results = pieces.map((piece, index) =>
        this.conv(piece, filters / groups, kernel, { ...rest, name: `group${index + 1}` }),
      );
      return this.concat(results);
    });
  }

  /** CONCATENATION along an axis (default the channels); the other dimensions must agree. */
  concat(values: readonly Value[], options: { axis?: number; name?: string } = {}): Value {
    const name = this.claimName(options.name ?? "concat");
    const first = values[0];
    if (!first) throw new Error(`${name}: nothing to concatenate`);
    const axis = resolveAxis(first.shape, options.axis ?? -1);
    const outputShape = concatenateShapes(
      values.map((value) => value.shape),
      axis,
    );
    const attributes = { axis, fusedActivationFunction: "NONE" };
    return this.appendOne({ type: "CONCATENATION", name, inputs: values, outputShape, attributes });
  }

  /** SPLIT into equal parts along an axis (default the channels); throws when they do not come out equal. */
  split(x: Value, parts: number, options: { axis?: number; name?: string } = {}): Value[] {
    const name = this.claimName(options.name ?? "split");
    const axis = resolveAxis(x.shape, options.axis ?? -1);
    const size = x.shape[axis]!;
    if (!Number.isInteger(parts) || parts < 1 || size % parts !== 0)
      throw new Error(
        `${name}: axis ${axis} of ${describeShape(x.shape)} does not split into ${parts} parts`,
      );
    const outputShape = x.shape.with(axis, size / parts);
    return this.append({
      type: "SPLIT",
      name,
      inputs: [this.addIntegers(`${name}/axis`, [axis], []), x],
      outputShapes: Array.from({ length: parts }, () => outputShape),
      attributes: { numSplits: parts },
    });
  }

  /** SPLIT_V into parts of the given sizes along an axis (default the channels); throws when they do not add up to it. */
  splitSizes(x: Value, sizes: readonly number[], options: { axis?: number; name?: string } = {}): Value[] {
    const name = this.claimName(options.name ?? "split");
    const axis = resolveAxis(x.shape, options.axis ?? -1);
    if (sizes.reduce((sum, size) => sum + size, 0) !== x.shape[axis])
      throw new Error(`${name}: axis ${axis} of ${describeShape(x.shape)} is not ${sizes.join(" + ")}`);
    return this.append({
      type: "SPLIT_V",
      name,
      inputs: [x, this.addIntegers(`${name}/sizes`, sizes), this.addIntegers(`${name}/axis`, [axis], [])],
      outputShapes: sizes.map((size) => x.shape.with(axis, size)),
      attributes: { numSplits: sizes.length },
    });
  }

  /** GATHER: the slices of `x` along an axis (default the first) that an integer tensor names, its shape in the axis' place. */
  gather(x: Value, indices: Value, options: { axis?: number; name?: string } = {}): Value {
    const name = this.claimName(options.name ?? "gather");
    const axis = resolveAxis(x.shape, options.axis ?? 0);
    if (indices.dtype !== "int32") throw new Error(`${name}: indices must be int32, not ${indices.dtype}`);
    return this.appendOne({
      type: "GATHER",
      name,
      inputs: [x, indices],
      outputShape: x.shape.toSpliced(axis, 1, ...indices.shape),
      outputType: x.dtype,
      attributes: { axis, batchDims: 0 },
    });
  }

  /** SLICE of `size` elements from `begin` on in every axis; −1 is the rest of the axis. */
  slice(x: Value, begin: readonly number[], size: readonly number[], name?: string): Value {
    const full = this.claimName(name ?? "slice");
    const outputShape = x.shape.map((length, axis) =>
      size[axis] === -1 ? length - begin[axis]! : size[axis]!,
    );
    const fits = x.shape.every(
      (length, axis) =>
        begin[axis]! >= 0 && outputShape[axis]! >= 1 && begin[axis]! + outputShape[axis]! <= length,
    );
    if (begin.length !== x.shape.length || size.length !== x.shape.length || !fits)
      throw new Error(`${full}: [${begin.join()}] + [${size.join()}] lies outside ${describeShape(x.shape)}`);
    const constants = [this.addIntegers(`${full}/begin`, begin), this.addIntegers(`${full}/size`, size)];
    return this.appendOne({
      type: "SLICE",
      name: full,
      inputs: [x, ...constants],
      outputShape,
      attributes: {},
    });
  }

  /**
   * STRIDED_SLICE from `begin` to before `end` in steps, per axis; positive steps only. Axes in `shrink` must pick a single
   * element and disappear.
   */
  stridedSlice(
    x: Value,
    begin: readonly number[],
    end: readonly number[],
    options: { strides?: readonly number[]; shrink?: readonly number[]; name?: string } = {},
  ): Value {
    const name = this.claimName(options.name ?? "strided_slice");
    const strides = options.strides ?? x.shape.map(() => 1);
    const shrink = options.shrink ?? [];
    const rank = x.shape.length;
    const inside = x.shape.every(
      (length, axis) =>
        begin[axis]! >= 0 && end[axis]! > begin[axis]! && end[axis]! <= length && strides[axis]! >= 1,
    );
    if (begin.length !== rank || end.length !== rank || strides.length !== rank || !inside)
      throw new Error(`${name}: [${begin.join()}] to [${end.join()}] lies outside ${describeShape(x.shape)}`);
    const sizes = x.shape.map((_, axis) => Math.ceil((end[axis]! - begin[axis]!) / strides[axis]!));
    if (shrink.some((axis) => sizes[axis] !== 1))
      throw new Error(`${name}: only axes with one element left can be dropped, not ${shrink.join()}`);
    return this.appendOne({
      type: "STRIDED_SLICE",
      name,
      version: rank > 4 ? 4 : 1,
      inputs: [
        x,
        this.addIntegers(`${name}/begin`, begin),
        this.addIntegers(`${name}/end`, end),
        this.addIntegers(`${name}/strides`, strides),
      ],
      outputShape: sizes.filter((_, axis) => !shrink.includes(axis)),
      attributes: {
        beginMask: 0,
        endMask: 0,
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask: shrink.reduce((mask, axis) => mask | (1 << axis), 0),
      },
    });
  }

  /** RESHAPE; one dimension may be −1. */
  reshape(x: Value, shape: readonly number[], name?: string): Value {
    const full = this.claimName(name ?? "reshape");
    const outputShape = resolveReshape(x.shape, shape);
    const constant = this.addIntegers(`${full}/shape`, outputShape);
    const attributes = { newShape: outputShape };
    return this.appendOne({ type: "RESHAPE", name: full, inputs: [x, constant], outputShape, attributes });
  }

  /** TRANSPOSE: axis `order[i]` of the input becomes axis i of the output. */
  transpose(x: Value, order: readonly number[], name?: string): Value {
    const full = this.claimName(name ?? "transpose");
    if (order.length !== x.shape.length || x.shape.some((_, axis) => !order.includes(axis)))
      throw new Error(`${full}: [${order.join()}] is no order of the axes of ${describeShape(x.shape)}`);
    return this.appendOne({
      type: "TRANSPOSE",
      name: full,
      version: x.shape.length > 5 ? 6 : x.shape.length > 4 ? 4 : 1,
      inputs: [x, this.addIntegers(`${full}/order`, order)],
      outputShape: order.map((axis) => x.shape[axis]!),
      attributes: {},
    });
  }

  /** SOFTMAX over the last axis. */
  softmax(x: Value, options: { beta?: number; name?: string } = {}): Value {
    const name = this.claimName(options.name ?? "softmax");
    const attributes = { beta: options.beta ?? 1 };
    return this.appendOne({ type: "SOFTMAX", name, inputs: [x], outputShape: x.shape, attributes });
  }

  /** BATCH_MATMUL of the last two axes; leading axes are broadcast. */
  batchMatmul(
    left: Value,
    right: Value,
    options: { transposeLeft?: boolean; transposeRight?: boolean; name?: string } = {},
  ): Value {
    const name = this.claimName(options.name ?? "batch_matmul");
    const [adjX, adjY] = [options.transposeLeft ?? false, options.transposeRight ?? false];
    return this.appendOne({
      type: "BATCH_MATMUL",
      name,
      inputs: [left, right],
      outputShape: multiplyShapes(left.shape, right.shape, adjX, adjY),
      attributes: { adjX, adjY, asymmetricQuantizeInputs: false },
    });
  }

  /** RESIZE_BILINEAR to the given height and width. */
  resizeBilinear(
    x: Value,
    size: readonly [height: number, width: number],
    options: { alignCorners?: boolean; halfPixelCenters?: boolean; name?: string } = {},
  ): Value {
    return this.resize("RESIZE_BILINEAR", x, size, { name: "resize_bilinear", ...options });
  }

  /** RESIZE_NEAREST_NEIGHBOR to the given height and width. */
  resizeNearest(
    x: Value,
    size: readonly [height: number, width: number],
    options: { alignCorners?: boolean; halfPixelCenters?: boolean; name?: string } = {},
  ): Value {
    return this.resize("RESIZE_NEAREST_NEIGHBOR", x, size, { name: "resize_nearest", ...options });
  }

  private resize(
    type: string,
    x: Value,
    size: readonly [number, number],
    options: { alignCorners?: boolean; halfPixelCenters?: boolean; name: string },
  ): Value {
    const name = this.claimName(options.name);
    const [batch, , , channels] = this.imageOf(x, name);
    const [alignCorners, halfPixelCenters] = [
      options.alignCorners ?? false,
      options.halfPixelCenters ?? false,
    ];
    const newer = halfPixelCenters || (alignCorners && type === "RESIZE_NEAREST_NEIGHBOR");
    return this.appendOne({
      type,
      name,
      version: newer ? 3 : 1,
      inputs: [x, this.addIntegers(`${name}/size`, size)],
      outputShape: [batch, ...size, channels],
      attributes: { alignCorners, halfPixelCenters },
    });
  }

  private reduce(
    type: "MEAN" | "SUM",
    x: Value,
    axes: readonly number[],
    options: { keepDims?: boolean; name?: string },
  ): Value {
    const name = this.claimName(options.name ?? type.toLowerCase());
    const keepDims = options.keepDims ?? false;
    const resolved = axes.map((axis) => resolveAxis(x.shape, axis));
    return this.appendOne({
      type,
      name,
      inputs: [x, this.addIntegers(`${name}/axes`, resolved)],
      outputShape: reduceShape(x.shape, resolved, keepDims),
      attributes: { keepDims },
    });
  }
}
