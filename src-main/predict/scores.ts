import type { IntervalScores, Scores } from "../lab/contract.ts";

/** A network's measured and predicted latency. */
export interface ScoredPoint {
  measuredMs: number;
  predictedMs: number;
}

/** |predicted − measured| ÷ measured, as a fraction. */
export function relativeError(point: ScoredPoint): number {
  return Math.abs(point.predictedMs - point.measuredMs) / point.measuredMs;
}

/** Accuracy over networks, errors and shares in percent; NaN errors for no points. Points without a positive measurement do not count. */
export function scorePredictions(points: readonly ScoredPoint[]): Scores {
  const usable = points.filter((point) => point.measuredMs > 0);
  const errors = usable.map(relativeError).sort((a, b) => a - b);
  const within = (limit: number) =>
    (100 * errors.filter((error) => error <= limit).length) / Math.max(errors.length, 1);
  return {
    models: errors.length,
    mape: (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length,
    medianApe: 100 * middleOf(errors),
    within5: within(0.05),
    within10: within(0.1),
    spearman: correlateRanks(
      usable.map((point) => point.measuredMs),
      usable.map((point) => point.predictedMs),
    ),
  };
}

/** A network with an interval that reaches from predicted ÷ factor to predicted × factor. */
export interface IntervalPoint extends ScoredPoint {
  factor: number;
}

/** How many measurements lie in their interval, and how wide intervals are. Points without a positive measurement do not count. */
export function scoreIntervals(points: readonly IntervalPoint[]): IntervalScores {
  const usable = points.filter(({ measuredMs }) => measuredMs > 0);
  if (usable.length === 0) return { inside: null, halfWidth: null };
  const inside = usable.filter(
    ({ measuredMs, predictedMs, factor }) =>
      measuredMs >= predictedMs / factor && measuredMs <= predictedMs * factor,
  );
  return {
    inside: (100 * inside.length) / usable.length,
    halfWidth: 100 * (middleOf(usable.map(({ factor }) => factor).sort((a, b) => a - b)) - 1),
  };
}

function middleOf(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Spearman's rank correlation with mean ranks for ties; null below three pairs or when one side is constant, where ranks
 * say nothing.
 */
export function correlateRanks(first: readonly number[], second: readonly number[]): number | null {
  if (first.length < 3) return null;
  const a = rankValues(first);
  const b = rankValues(second);
  // The mean of ranks is the same with and without ties.
  const mean = (first.length + 1) / 2;
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let place = 0; place < a.length; place++) {
    const x = a[place]! - mean;
    const y = b[place]! - mean;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null;
}

/** Ranks from 1; equal values share the mean of their ranks. */
export function rankValues(values: readonly number[]): number[] {
  const order = values.map((_, place) => place).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let place = start; place < end; place++) ranks[order[place]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
