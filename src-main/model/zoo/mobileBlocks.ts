import type { GraphBuilder } from "../builder.ts";
import type { Activation } from "../elementwiseBuilder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ConvolutionOptions, Padding } from "../layerBuilder.ts";

/** Widths by the names networks carry: `w3d4` is ¾ of the channels, `w7d20` 0.35, `w5d4` 1.25. */
export const widthNames = { w7d20: 0.35, wd4: 0.25, wd2: 0.5, w3d4: 0.75, w1: 1, w5d4: 1.25 } as const;

/** An inverted residual unit: 1×1 expansion, depthwise convolution, linear 1×1 projection (Sandler et al. 2018). */
export interface InvertedUnit {
  /** Channels of the result. */
  filters: number;
  kernel: number;
  stride: 1 | 2;
  /** Channels of the depthwise convolution; null leaves the expansion out and keeps the input's. */
  expanded: number | null;
  /** After the expansion and the depthwise convolution. */
  activation: Activation;
  /** What rescales the channels before the projection. */
  squeeze?: (x: Value) => Value;
  /** False adds no input to the result where the shapes agree. */
  skip?: boolean;
  /** Of the depthwise convolution; half the kernel unless given. */
  padding?: Padding;
}

/** Appends an inverted residual unit; its input is added where the result has the same shape. */
export function buildInvertedUnit(builder: GraphBuilder, x: Value, unit: InvertedUnit): Value {
  const { filters, kernel, stride, expanded, activation, squeeze, skip = true, padding } = unit;
  let y = expanded === null ? x : builder.conv(x, expanded, 1, { activation, name: "expand" });
  y = buildDepthwise(builder, y, kernel, {
    stride,
    activation,
    ...(padding === undefined ? {} : { padding }),
  });
  if (squeeze) y = squeeze(y);
  y = builder.conv(y, filters, 1, { name: "project" });
  return skip && stride === 1 && channelsOf(x) === filters ? builder.add(y, x) : y;
}

/** A depthwise convolution whose zeros of half the kernel on all sides are a PAD op, which converters leave in place. */
export function buildDepthwise(
  builder: GraphBuilder,
  x: Value,
  kernel: number,
  options: ConvolutionOptions = {},
): Value {
  return builder.depthwise(x, kernel, { padding: Math.floor(kernel / 2), ...options });
}

/** A convolution that halves the image, the beginning of nearly every network for phones; input 1×224×224×3. */
export function buildStem(
  builder: GraphBuilder,
  filters: number,
  activation: Activation,
  padding: Padding = "same",
): Value {
  return builder.conv(builder.input([1, 224, 224, 3]), filters, 3, {
    stride: 2,
    activation,
    padding,
    name: "stem",
  });
}

/** Builds all units under the names `stage1/unit1` and so on. */
export function buildStages<Unit>(
  builder: GraphBuilder,
  x: Value,
  stages: readonly (readonly Unit[])[],
  buildUnit: (x: Value, unit: Unit) => Value,
): Value {
  stages.forEach((units, stage) =>
    builder.within(`stage${stage + 1}`, () =>
      units.forEach((unit, index) => {
        x = builder.within(`unit${index + 1}`, () => buildUnit(x, unit));
      }),
    ),
  );
  return x;
}

/** A pool over the whole image and a 1×1 convolution for 1000 classes, with `hidden` 1×1 convolutions in between. */
export function classifyPointwise(
  builder: GraphBuilder,
  x: Value,
  options: { hidden?: (x: Value) => Value; bias?: boolean } = {},
): Graph {
  const { hidden, bias = true } = options;
  const window = [x.shape[1]!, x.shape[2]!] as const;
  let y = builder.averagePool(x, window, { stride: 1, padding: "valid", name: "global_pool" });
  if (hidden) y = hidden(y);
  y = builder.conv(y, 1000, 1, { bias, name: "classifier" });
  return builder.build(builder.reshape(y, [1, 1000], "logits"));
}

/** Channels of an image. */
export function channelsOf(x: Value): number {
  return x.shape[3]!;
}

/** Channels in multiples of 8, rounded to the nearest but never by more than 10 % downwards (Howard et al. 2019). */
export function roundChannels(channels: number): number {
  const rounded = Math.max(Math.floor((channels + 4) / 8) * 8, 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
