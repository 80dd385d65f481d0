import { deriveSeed } from "../model/random.ts";
import { fitBoosting, predictRows, type BoostingOptions } from "./boosting.ts";
import type { LearningTable } from "./learningTable.ts";
import { chooseTrees } from "./boostingCorrection.ts";
import { selectCorrectionRows, type CorrectionFit, type CorrectionTable } from "./correction.ts";
import type { FeatureColumn } from "./featureColumns.ts";
import { evaluateLasso, fitLassoCorrection, type LassoCorrection } from "./lassoCorrection.ts";
import { predictTrees, type TreeEnsemble } from "./trees.ts";

/** A sparse line with boosted trees on what it leaves over. */
export interface LinearBoostingCorrection {
  kind: "linear-boosting";
  linear: LassoCorrection;
  trees: TreeEnsemble;
}

/** Value for the row that starts at `start`. */
export function evaluateLinearBoosting(
  model: LinearBoostingCorrection,
  x: Float64Array,
  start: number,
): number {
  return evaluateLasso(model.linear, x, start) + predictTrees(model.trees, x, start);
}

const options: Omit<BoostingOptions, "seed"> = {
  trees: 150,
  learningRate: 0.1,
  maxLeaves: 10,
  minLeaf: 4,
  l2: 1,
  rowShare: 0.8,
  columnShare: 0.7,
  bins: 63,
  patience: 20,
};

/**
 * Lasso on single features, then gradient boosting of its residuals: the line carries what trees cannot, which is to go on
 * beyond the rows, and the trees what the line cannot, steps and interactions. The number of trees is the one with the least
 * error over folds of whole networks, in each of which neither the line nor the trees saw the networks held out.
 */
export function fitLinearBoostingCorrection(
  table: CorrectionTable,
  features: readonly FeatureColumn[],
  seed: number,
): CorrectionFit<LinearBoostingCorrection> {
  const line = fitLassoCorrection(table, features, false);
  const boosting = { ...options, seed: deriveSeed(seed, "linear-boosting") };
  const parts = line.foldModels.map((linear, fold) => ({
    linear,
    train: takeResiduals(table, linear, (row) => table.fold[row] !== fold),
    held: takeResiduals(table, linear, (row) => table.fold[row] === fold),
  }));
  const fits = parts.map(({ train, held }) =>
    held.rows.length === 0 || train.rows.length === 0 ? null : fitBoosting(train.table, boosting, held.table),
  );
  const { trees } = chooseTrees(
    fits.map((fit) => fit?.curve ?? []),
    parts.map(({ held }) => held.rows.length),
  );
  const heldOut = new Float64Array(table.y.length);
  parts.forEach(({ linear, held }, fold) => {
    const fit = fits[fold];
    const grown = fit ? predictRows(fit.ensemble, held.table, Math.min(trees, fit.curve.length - 1)) : null;
    held.rows.forEach((row, place) => {
      heldOut[row] = evaluateLasso(linear, table.x, row * table.columns) + (grown?.[place] ?? 0);
    });
  });
  const whole = takeResiduals(table, line.model, () => true);
  const { ensemble } = fitBoosting(whole.table, { ...boosting, trees });
  return {
    model: { kind: "linear-boosting", linear: line.model, trees: ensemble },
    heldOut,
    note: `${line.note}, then ${trees} trees of at most ${boosting.maxLeaves} leaves`,
  };
}

function takeResiduals(
  table: CorrectionTable,
  linear: LassoCorrection,
  isChosen: (row: number) => boolean,
): { table: LearningTable; rows: number[] } {
  const chosen = selectCorrectionRows(table, isChosen);
  const { y, x, columns } = chosen.table;
  const left = y.map((value, place) => value - evaluateLasso(linear, x, place * columns));
  return { rows: chosen.rows, table: { ...chosen.table, y: left } };
}
