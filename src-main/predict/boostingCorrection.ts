import { deriveSeed } from "../model/random.ts";
import { fitBoosting, predictRows, type BoostingOptions } from "./boosting.ts";
import type { LearningTable } from "./learningTable.ts";
import { selectCorrectionRows, type CorrectionFit, type CorrectionTable } from "./correction.ts";
import { predictTrees, type TreeEnsemble } from "./trees.ts";

/** Boosted trees on a class's features. */
export interface BoostingCorrection {
  kind: "boosting";
  trees: TreeEnsemble;
}

/** Value for the row that starts at `start`. */
export function evaluateBoosting(model: BoostingCorrection, x: Float64Array, start: number): number {
  return predictTrees(model.trees, x, start);
}

/** What cross-validation chooses from: few leaves for additive effects, more for interactions. */
const shapes: readonly Pick<BoostingOptions, "maxLeaves" | "minLeaf">[] = [
  { maxLeaves: 4, minLeaf: 4 },
  { maxLeaves: 10, minLeaf: 4 },
];

const common = {
  trees: 250,
  learningRate: 0.1,
  l2: 1,
  rowShare: 0.8,
  columnShare: 0.7,
  bins: 63,
  patience: 20,
};

/**
 * Gradient boosting whose number of trees and leaves are chosen by cross-validation: each fold of whole networks stops early
 * on the networks held out, the number of trees is the one with the least error over all folds.
 */
export function fitBoostingCorrection(
  table: CorrectionTable,
  seed: number,
): CorrectionFit<BoostingCorrection> {
  const parts = Array.from({ length: table.folds }, (_, fold) => ({
    train: selectCorrectionRows(table, (row) => table.fold[row] !== fold),
    held: selectCorrectionRows(table, (row) => table.fold[row] === fold),
  }));
  let best: { loss: number; options: BoostingOptions; heldOut: Float64Array } | null = null;
  for (const shape of shapes) {
    const options = { ...common, ...shape, seed: deriveSeed(seed, "boosting") };
    const fits = parts.map(({ train, held }) =>
      held.table.y.length === 0 || train.table.y.length === 0
        ? null
        : fitBoosting(train.table, options, held.table),
    );
    const { trees, loss } = chooseTrees(
      fits.map((fit) => fit?.curve ?? []),
      parts.map(({ held }) => held.rows.length),
    );
    if (best && !(loss < best.loss)) continue;
    const heldOut = new Float64Array(table.y.length);
    parts.forEach(({ held }, fold) => {
      const fit = fits[fold];
      if (!fit) return;
      const grown = Math.min(trees, fit.curve.length - 1);
      predictRows(fit.ensemble, held.table, grown).forEach((value, place) => {
        heldOut[held.rows[place]!] = value;
      });
    });
    best = { loss, options: { ...options, trees }, heldOut };
  }
  const { options, heldOut } = best!;
  const whole: LearningTable = { columns: table.columns, x: table.x, y: table.y };
  const { ensemble } = fitBoosting(whole, options);
  return {
    model: { kind: "boosting", trees: ensemble },
    heldOut,
    note: `${options.trees} trees of at most ${options.maxLeaves} leaves`,
  };
}

/**
 * The number of trees with the least error over all folds, from each fold's errors after 0, 1, 2 … trees and its weight. A fold
 * that stopped early keeps its last error: it would not have got better.
 */
export function chooseTrees(curves: number[][], weights: number[]): { trees: number; loss: number } {
  const longest = Math.max(...curves.map((curve) => curve.length));
  let best = { trees: 0, loss: Infinity };
  for (let trees = 0; trees < longest; trees++) {
    let loss = 0;
    curves.forEach((curve, fold) => {
      if (curve.length > 0) loss += weights[fold]! * curve[Math.min(trees, curve.length - 1)]!;
    });
    if (loss < best.loss) best = { trees, loss };
  }
  return best;
}
