import { quantizeNumber } from "./constants.ts";
import { describeFloats, readFloats } from "./floatConstants.ts";
import { countElements, type Quantization, type Tensor } from "./graph.ts";
import { scaleActivations, scaleBias, scaleWeights } from "./quantizationScale.ts";
import type { ActivationScale } from "./quantizedOperators.ts";
import { fillUniform } from "./random.ts";

/** The quantisation of a tensor with one scale. */
export function describeScale({ scale, zeroPoint }: ActivationScale): Quantization {
  return { scales: [scale], zeroPoints: [zeroPoint], axis: 0, min: [], max: [] };
}

/** A float32 constant an int8 kernel reads like an activation, at the given scale or, without, at that of its own range. */
export function quantizeOperand(tensor: Tensor, given: ActivationScale | null): Tensor {
  const chosen = given ?? scaleActivations(describeFloats(tensor).range);
  const { scale, zeroPoint } = chosen;
  const quantized = { ...tensor, dtype: "int8" as const, quantization: describeScale(chosen) };
  if (tensor.data?.kind === "random") {
    const { seed, limit } = tensor.data;
    return {
      ...quantized,
      data: { kind: "rounded", seed, limit, scale, zeroPoint, lowest: -128, highest: 127 },
    };
  }
  const values = readFloats(tensor);
  const stored = Int8Array.from({ length: values.length }, (_, at) =>
    quantizeNumber(values[at]!, scale, zeroPoint, -128, 127),
  );
  return { ...quantized, data: keepKind(tensor, stored) };
}

/** Trained weights with their bias in their quantised forms; the bias is null where the op has none. */
export interface QuantizedWeights {
  weights: Tensor;
  bias: Tensor | null;
}

/** No bias uses more than half of what an int32 holds; the sum of products needs the rest. */
const largestBias = 2 ** 30;

/**
 * Symmetric int8 weights, one scale for each slice of `axis` (one for all when null), and the int32 bias at the scale of the
 * products. A slice whose weights are so small that its bias would not fit gets the larger scale its bias needs.
 */
export function quantizeWeights(
  filter: Tensor,
  bias: Tensor | null,
  axis: number | null,
  activationScale: number,
): QuantizedWeights {
  const channels = axis === null ? 1 : filter.shape[axis]!;
  const magnitudes = measureSlices(filter, axis, channels);
  const biases = bias ? measureBias(bias, channels) : null;
  let scales = magnitudes.map((magnitude, channel) => {
    const needed = biases ? Math.fround(biases[channel]! / largestBias / activationScale) : 0;
    return magnitude > 0 || needed > 0 ? Math.max(magnitude > 0 ? scaleWeights(magnitude) : 0, needed) : 1;
  });
  // Drawn weights keep one scale, with which they are drawn again.
  if (filter.data?.kind === "random") {
    const largest = Math.max(...scales);
    scales = scales.map(() => largest);
  }
  const quantization = {
    scales,
    zeroPoints: scales.map(() => 0),
    axis: axis ?? 0,
    min: [],
    max: [],
  };
  return {
    weights: { ...filter, dtype: "int8", quantization, data: roundWeights(filter, axis, scales) },
    bias: bias && quantizeBias(bias, scales, activationScale),
  };
}

/** Where each element's slice is: `inner` consecutive elements belong to one, then the next follows. */
function strideOf(shape: readonly number[], axis: number | null): number {
  return axis === null ? countElements(shape) : countElements(shape.slice(axis + 1));
}

function measureSlices(filter: Tensor, axis: number | null, channels: number): number[] {
  // The largest of many uniform numbers is the limit, all but a little: so all slices of drawn weights have one scale.
  if (filter.data?.kind === "random") {
    const { limit } = filter.data;
    return Array.from({ length: channels }, () => limit);
  }
  const values = readFloats(filter);
  const inner = strideOf(filter.shape, axis);
  const magnitudes = new Array<number>(channels).fill(0);
  for (let index = 0; index < values.length; index++) {
    const channel = Math.floor(index / inner) % channels;
    const magnitude = Math.abs(values[index]!);
    if (!(magnitude <= magnitudes[channel]!)) magnitudes[channel] = magnitude;
  }
  if (!magnitudes.every(Number.isFinite))
    throw new Error(`the tensor ${filter.name} holds numbers that are not finite`);
  return magnitudes;
}

function measureBias(bias: Tensor, channels: number): number[] {
  if (bias.data?.kind === "random") {
    const { limit } = bias.data;
    return Array.from({ length: channels }, () => limit);
  }
  const { range } = describeFloats(bias);
  if (channels === 1) return [Math.max(Math.abs(range[0]), Math.abs(range[1]))];
  const values = readFloats(bias);
  return Array.from({ length: channels }, (_, channel) => Math.abs(values[channel] ?? 0));
}

function roundWeights(filter: Tensor, axis: number | null, scales: readonly number[]): Tensor["data"] {
  if (filter.data?.kind === "random") {
    const { seed, limit } = filter.data;
    return { kind: "rounded", seed, limit, scale: scales[0]!, zeroPoint: 0, lowest: -127, highest: 127 };
  }
  const values = readFloats(filter);
  const inner = strideOf(filter.shape, axis);
  const stored = new Int8Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const scale = scales[Math.floor(index / inner) % scales.length]!;
    stored[index] = quantizeNumber(values[index]!, scale, 0, -127, 127);
  }
  return keepKind(filter, stored);
}

const [lowestBias, highestBias] = [-(2 ** 31), 2 ** 31 - 1];

function quantizeBias(bias: Tensor, weightScales: readonly number[], activationScale: number): Tensor {
  const scales = weightScales.map((scale) => scaleBias(activationScale, scale));
  const quantization = { scales, zeroPoints: scales.map(() => 0), axis: 0, min: [], max: [] };
  return { ...bias, dtype: "int32", quantization, data: roundBias(bias, scales) };
}

function roundBias(bias: Tensor, scales: readonly number[]): Tensor["data"] {
  const { data } = bias;
  if (data?.kind === "random" && scales.every((scale) => scale === scales[0])) {
    const { seed, limit } = data;
    const [lowest, highest] = [lowestBias, highestBias];
    return { kind: "rounded", seed, limit, scale: scales[0]!, zeroPoint: 0, lowest, highest };
  }
  let values: ArrayLike<number>;
  if (data?.kind === "random") {
    const drawn = new Float32Array(countElements(bias.shape));
    fillUniform(drawn, data.seed, data.limit);
    values = drawn;
  } else values = readFloats(bias);
  const stored = Int32Array.from({ length: values.length }, (_, at) =>
    quantizeNumber(values[at]!, scales[at % scales.length]!, 0, lowestBias, highestBias),
  );
  return keepKind(bias, stored);
}

// Stated constants stay stated, so that a recipe stays text.
function keepKind(tensor: Tensor, stored: Int8Array | Int32Array): Tensor["data"] {
  return tensor.data?.kind === "bytes"
    ? { kind: "bytes", bytes: new Uint8Array(stored.buffer) }
    : { kind: "values", values: [...stored] };
}
