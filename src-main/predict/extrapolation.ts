import type { ClassModel } from "./classModel.ts";
import type { FeatureColumn } from "./featureColumns.ts";

/** Features outside the training range: in words, the furthest first, and how far the furthest is as a logarithm. */
export interface Extrapolation {
  words: string[];
  excess: number;
}

/** A range's ends are themselves samples: this far beyond them is not yet news. */
const tolerance = Math.log(1.25);
const mostWords = 3;
const inside: Extrapolation = { words: [], excess: 0 };

/** Compares the features that start at `start` with those a class was trained on. */
export function findExtrapolation(
  model: ClassModel,
  features: readonly FeatureColumn[],
  x: Float64Array,
  start: number,
): Extrapolation {
  let found: { column: number; excess: number }[] | null = null;
  const { rangeLow, rangeHigh } = model;
  for (let column = 0; column < features.length; column++) {
    const value = x[start + column]!;
    const low = rangeLow[column]!;
    const high = rangeHigh[column]!;
    if ((value >= low && value <= high) || features[column]!.scale !== "log") continue;
    const excess = Math.abs(Math.log((1 + value) / (1 + (value < low ? low : high))));
    if (excess > tolerance) (found ??= []).push({ column, excess });
  }
  if (!found) return inside;
  found.sort((a, b) => b.excess - a.excess || a.column - b.column);
  return {
    excess: found[0]!.excess,
    words: found.slice(0, mostWords).map(({ column }) => {
      const { name, unit } = features[column]!;
      const value = x[start + column]!;
      const low = rangeLow[column]!;
      const bound = value < low ? low : rangeHigh[column]!;
      return `${name} ${describe(value)} ${value < low ? "below" : "above"} the ${describe(bound)} ${unit} seen in training`;
    }),
  };
}

function describe(value: number): string {
  if (Math.abs(value) >= 1e6) return value.toExponential(2).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}
