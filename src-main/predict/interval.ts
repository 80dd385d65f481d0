/** Share of the networks an interval is to hold. */
export const coverage = 0.9;

/** Scales that 90 % of Student's t distribution with 4 degrees of freedom lie within (tables of it: 2.132). */
export const studentQuantile = 2.132;

/**
 * Half-width of an interval from the absolute errors of held-out predictions: the quantile that split conformal prediction
 * takes (Lei et al. 2018, "Distribution-Free Predictive Inference for Regression"), the ⌈(n + 1)·0.9⌉-th smallest. With too
 * few errors for that rank the largest is widened, by more the fewer there are; NaN for none.
 */
export function conformalQuantile(errors: readonly number[], share: number = coverage): number {
  if (errors.length === 0) return NaN;
  const sorted = errors.map((error) => Math.abs(error)).sort((a, b) => a - b);
  const rank = Math.ceil((sorted.length + 1) * share);
  if (rank <= sorted.length) return sorted[rank - 1]!;
  return sorted.at(-1)! * (rank / sorted.length);
}

/** What lies outside the training range widens an interval: half a factor for each factor outside, as logarithms. */
export function widenByExcess(excess: number): number {
  return 0.5 * Math.min(excess, Math.log(64));
}
