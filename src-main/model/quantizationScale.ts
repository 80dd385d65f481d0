import type { ActivationScale } from "./quantizedOperators.ts";

/** Lowest and highest value of a tensor. */
export type Range = readonly [low: number, high: number];

/**
 * Scale and zero point of int8 activations in a range, 0 taken into it so that it is stored exactly (padding and rectifiers need
 * that): 255 steps from −128 to 127, as the public specification has it (https://ai.google.dev/edge/litert/models/quantization_spec;
 * Jacob et al. 2018, arXiv 1712.05877). The scale is a float32 number, as files store it. Throws for a range that is none.
 */
export function scaleActivations([low, high]: Range): ActivationScale {
  if (!(low <= high && Number.isFinite(low) && Number.isFinite(high)))
    throw new Error(`${low} to ${high} is no range`);
  const [least, greatest] = [Math.min(low, 0), Math.max(high, 0)];
  // A tensor that is always zero has no scale of its own; any does.
  const scale = greatest > least ? atLeastNormal(Math.fround((greatest - least) / 255)) : 1;
  return { scale, zeroPoint: clampInt8(Math.round(-128 - least / scale)) };
}

/** Scale of symmetric int8 weights up to `magnitude` in ±127, zero point 0. */
export function scaleWeights(magnitude: number): number {
  return magnitude > 0 ? atLeastNormal(Math.fround(magnitude / 127)) : 1;
}

/** Scale of an int32 bias: that of the products it is added to. */
export function scaleBias(activation: number, weights: number): number {
  return atLeastNormal(Math.fround(activation * weights));
}

/** The range int8 numbers of a scale reach. */
export function rangeOfScale({ scale, zeroPoint }: ActivationScale): Range {
  return [(-128 - zeroPoint) * scale, (127 - zeroPoint) * scale];
}

/** The nearest number an int8 holds. */
export function clampInt8(value: number): number {
  // Rounding gives −0 too, which JSON does not keep.
  return Math.min(Math.max(value, -128), 127) + 0;
}

// Smaller floats lose bits or are flushed to zero, and a scale of zero divides.
function atLeastNormal(scale: number): number {
  return Math.max(scale, 2 ** -126);
}
