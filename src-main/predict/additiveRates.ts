import type { NetworkWork } from "./workTerms.ts";

/** Amounts of work of each kernel class in a set of networks: what a sum over classes is made of. */
export interface ClassAmounts {
  names: string[];
  /** Row-major: networks × names. */
  amounts: Float64Array;
}

/** Adds up the work of each class of each network; calls of all classes are one amount. */
export function sumClasses(works: readonly NetworkWork[]): ClassAmounts {
  const places = new Map<string, number>();
  const rows = works.map((work) => {
    const row = new Map<number, number>();
    for (const { sum, logCycles } of work.terms) {
      let place = places.get(sum);
      if (place === undefined) places.set(sum, (place = places.size));
      row.set(place, (row.get(place) ?? 0) + Math.exp(logCycles));
    }
    return row;
  });
  const amounts = new Float64Array(works.length * places.size);
  rows.forEach((row, network) => {
    for (const [place, amount] of row) amounts[network * places.size + place] = amount;
  });
  return { names: [...places.keys()], amounts };
}

/**
 * Non-negative rates b of amounts whose sums come closest to measured times: least Σ (Σ b·amount ÷ ms − 1)², by coordinate
 * descent (each rate in turn is set to its best value given the others, or to 0), which cannot leave the feasible set and ends
 * at the one minimum of this convex function. A class that no network has keeps 0.
 */
export function fitNonNegativeRates(amounts: Float64Array, columns: number, ms: Float64Array): Float64Array {
  const rates = new Float64Array(columns);
  const scale = new Float64Array(columns);
  const relative = new Float64Array(amounts.length);
  ms.forEach((time, row) => {
    for (let column = 0; column < columns; column++) {
      const value = amounts[row * columns + column]! / time;
      relative[row * columns + column] = value;
      scale[column]! += value * value;
    }
  });
  const rest = new Float64Array(ms.length).fill(1);
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let moved = 0;
    for (let column = 0; column < columns; column++) {
      if (scale[column] === 0) continue;
      let pull = 0;
      for (let row = 0; row < rest.length; row++) pull += relative[row * columns + column]! * rest[row]!;
      const step = Math.max(pull / scale[column]!, -rates[column]!);
      if (step === 0) continue;
      rates[column]! += step;
      for (let row = 0; row < rest.length; row++) rest[row]! -= step * relative[row * columns + column]!;
      moved = Math.max(moved, step * step * scale[column]!);
    }
    if (moved < 1e-10) break;
  }
  return rates;
}

/** Far more than classes of real networks need; a bound, because descent along a narrow valley may creep. */
const mostSweeps = 3000;
