import type { LearningTable } from "./learningTable.ts";
import { evaluateBoosting, type BoostingCorrection } from "./boostingCorrection.ts";
import { evaluateForest, type ForestCorrection } from "./forestCorrection.ts";
import { evaluateLasso, type LassoCorrection } from "./lassoCorrection.ts";
import { evaluateLinearBoosting, type LinearBoostingCorrection } from "./linearBoostingCorrection.ts";
import { evaluatePerceptrons, type PerceptronCorrection } from "./perceptronCorrection.ts";

/**
 * What a learner adds to a roofline: the logarithm of measured ÷ roofline as a function of the features. In logarithms an
 * error is relative, and where a learner knows nothing it adds nothing.
 */
export type Correction =
  LassoCorrection | ForestCorrection | BoostingCorrection | PerceptronCorrection | LinearBoostingCorrection;

/** Rows a correction is learnt from. */
export interface CorrectionTable {
  columns: number;
  /** Row-major features. */
  x: Float64Array;
  /** Logarithm of measured ÷ roofline. */
  y: Float64Array;
  /** Network of each row. */
  network: Int32Array;
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
  switch (correction.kind) {
    case "lasso":
      return evaluateLasso(correction, x, start);
    case "forest":
      return evaluateForest(correction, x, start);
    case "boosting":
      return evaluateBoosting(correction, x, start);
    case "perceptron":
      return evaluatePerceptrons(correction, x, start);
    case "linear-boosting":
      return evaluateLinearBoosting(correction, x, start);
  }
}

/** The chosen rows as a table of their own, with their places in the whole. */
export function selectCorrectionRows(
  table: CorrectionTable,
  isChosen: (row: number) => boolean,
): { table: LearningTable; rows: number[] } {
  const rows: number[] = [];
  for (let row = 0; row < table.y.length; row++) if (isChosen(row)) rows.push(row);
  const { columns } = table;
  const x = new Float64Array(rows.length * columns);
  rows.forEach((row, place) => x.set(table.x.subarray(row * columns, (row + 1) * columns), place * columns));
  return {
    rows,
    table: { columns, x, y: Float64Array.from(rows, (row) => table.y[row]!) },
  };
}
