import type { Moments } from "./moments.ts";

/** A linear function of the columns of a table. */
export interface LinearModel {
  intercept: number;
  coefficients: Float64Array;
}

/** How exactly a penalty's problem is solved. */
export interface LassoOptions {
  /** Largest change of a standardised coefficient in a sweep that counts as converged, in deviations of y; default 1e-4. */
  tolerance?: number;
  /** Most sweeps for a penalty; default 100. Columns that nearly agree can trade coefficients for ever without changing the fit. */
  sweeps?: number;
}

/** The standardised problem: correlations, so that one penalty means the same for every column. */
interface Standardised {
  columns: number;
  correlation: Float64Array;
  target: Float64Array;
  deviation: Float64Array;
  mean: Float64Array;
  yMean: number;
  yDeviation: number;
}

/** Largest penalty worth trying: from it on every coefficient is 0 (in units of the standardised problem). */
export function largestPenalty(moments: Moments): number {
  let largest = 0;
  for (const value of standardise(moments).target) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** `steps` penalties falling geometrically from `largest` to `ratio` times it. */
export function listPenalties(largest: number, steps = 40, ratio = 1e-3): Float64Array {
  return Float64Array.from({ length: steps }, (_, step) =>
    steps === 1 ? largest : largest * ratio ** (step / (steps - 1)),
  );
}

/**
 * Lasso for falling penalties by cyclic coordinate descent with covariance updates, active sets and warm starts (Friedman,
 * Hastie, Tibshirani 2010, "Regularization Paths for Generalized Linear Models via Coordinate Descent"). Columns are
 * standardised with the weights of the moments; minimises ½·mean squared error + penalty·Σ|β| of the standardised problem.
 * Constant columns get 0.
 */
export class LassoPath {
  private readonly problem: Standardised;
  private readonly beta: Float64Array;
  /** Correlation of each column with what is left of y. */
  private readonly gradient: Float64Array;
  private readonly tolerance: number;
  private readonly sweeps: number;

  constructor(moments: Moments, options: LassoOptions = {}) {
    this.problem = standardise(moments);
    this.beta = new Float64Array(moments.columns);
    this.gradient = Float64Array.from(this.problem.target);
    this.tolerance = options.tolerance ?? 1e-4;
    this.sweeps = options.sweeps ?? 100;
  }

  /** Solves for the next penalty, starting from the solution of the last one. */
  solve(penalty: number): LinearModel {
    this.descend(penalty);
    return restore(this.problem, this.beta);
  }

  // Full sweeps find the active set; sweeps over it alone are cheap and do most of the converging.
  private descend(penalty: number): void {
    const { columns } = this.problem;
    let left = this.sweeps;
    while (left > 0) {
      let largest = 0;
      for (let j = 0; j < columns; j++) largest = Math.max(largest, this.update(j, penalty));
      left--;
      if (largest < this.tolerance) return;
      const active: number[] = [];
      for (let j = 0; j < columns; j++) if (this.beta[j] !== 0) active.push(j);
      for (; left > 0; left--) {
        largest = 0;
        for (const j of active) largest = Math.max(largest, this.update(j, penalty));
        if (largest < this.tolerance) break;
      }
    }
  }

  private update(j: number, penalty: number): number {
    const { columns, correlation, deviation } = this.problem;
    if (deviation[j] === 0) return 0;
    const { beta, gradient } = this;
    const raw = gradient[j]! + beta[j]!;
    const shrunk = raw > penalty ? raw - penalty : raw < -penalty ? raw + penalty : 0;
    const change = shrunk - beta[j]!;
    if (change === 0) return 0;
    beta[j] = shrunk;
    const start = j * columns;
    for (let k = 0; k < columns; k++) gradient[k]! -= change * correlation[start + k]!;
    return Math.abs(change);
  }
}

function standardise(moments: Moments): Standardised {
  const { columns, weight } = moments;
  const mean = moments.x.map((sum) => sum / weight);
  const yMean = moments.y / weight;
  const yDeviation = Math.sqrt(Math.max(moments.yy / weight - yMean * yMean, 0));
  const deviation = new Float64Array(columns);
  for (let i = 0; i < columns; i++) {
    const square = moments.xx[i * columns + i]! / weight;
    const variance = square - mean[i]! * mean[i]!;
    // Below rounding error of its square a variance means a constant column.
    deviation[i] = variance > square * 1e-12 ? Math.sqrt(variance) : 0;
  }
  const correlation = new Float64Array(columns * columns);
  const target = new Float64Array(columns);
  for (let i = 0; i < columns; i++) {
    if (deviation[i] === 0) continue;
    if (yDeviation > 0)
      target[i] = (moments.xy[i]! / weight - mean[i]! * yMean) / (deviation[i]! * yDeviation);
    for (let j = 0; j <= i; j++) {
      if (deviation[j] === 0) continue;
      const value =
        (moments.xx[i * columns + j]! / weight - mean[i]! * mean[j]!) / (deviation[i]! * deviation[j]!);
      correlation[i * columns + j] = correlation[j * columns + i] = value;
    }
  }
  return { columns, correlation, target, deviation, mean, yMean, yDeviation };
}

function restore(problem: Standardised, beta: Float64Array): LinearModel {
  const { deviation, mean, yMean, yDeviation } = problem;
  let intercept = yMean;
  const coefficients = new Float64Array(beta.length);
  for (let j = 0; j < beta.length; j++) {
    if (beta[j] === 0) continue;
    coefficients[j] = (beta[j]! * yDeviation) / deviation[j]!;
    intercept -= coefficients[j]! * mean[j]!;
  }
  return { intercept, coefficients };
}
