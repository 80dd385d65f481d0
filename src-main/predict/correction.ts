import type { BoostingCorrection } from "./boostingCorrection.ts";
import { evaluateBoosting } from "./boostingCorrection.ts";
import { evaluateLasso, type LassoCorrection } from "./lassoCorrection.ts";

/**
 * What a learner adds to a roofline: the logarithm of measured ÷ roofline as a function of the features. In logarithms an
 * error is relative, and where a learner knows nothing it adds nothing.
 */
export type Correction = LassoCorrection | BoostingCorrection;

/** Rows a correction is learnt from. */
export interface CorrectionTable {
  columns: number;
  /** Row-major features. */
  x: Float64Array;
  /** Logarithm of measured ÷ roofline. */
  y: Float64Array;
  /** Fold of each row's network; a network's rows share a fold. */
  fold: Int32Array;
  folds: number;
}

/** A fitted correction and what its hyper-parameters were chosen by. */
export interface CorrectionFit<Model> {
  model: Model;
  /** Prediction of each row by a model fitted without its fold. */
  heldOut: Float64Array;
  /** The chosen hyper-parameters in words. */
  note: string;
}

/** Value of a correction for the row that starts at `start`. */
export function evaluateCorrection(correction: Correction, x: Float64Array, start: number): number {
  return correction.kind === "lasso"
    ? evaluateLasso(correction, x, start)
    : evaluateBoosting(correction, x, start);
}
