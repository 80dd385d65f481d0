import { deriveSeed } from "../model/random.ts";
import type { CorrectionFit, CorrectionTable } from "./correction.ts";
import { fitForest } from "./forest.ts";
import { predictTrees, type TreeEnsemble } from "./trees.ts";

/** The mean of trees grown on samples of the networks. */
export interface ForestCorrection {
  kind: "forest";
  trees: TreeEnsemble;
}

/** Value for the row that starts at `start`. */
export function evaluateForest(model: ForestCorrection, x: Float64Array, start: number): number {
  return predictTrees(model.trees, x, start);
}

const options = { trees: 40, maxLeaves: 200, minLeaf: 2, columnShare: 0.4, bins: 63 };

/** A random forest; its held-out predictions come from the trees that did not see a row's network, so nothing is fitted twice. */
export function fitForestCorrection(table: CorrectionTable, seed: number): CorrectionFit<ForestCorrection> {
  const { columns, x, y, network } = table;
  const { ensemble, outOfBag } = fitForest({ columns, x, y }, network, {
    ...options,
    seed: deriveSeed(seed, "forest"),
  });
  return {
    model: { kind: "forest", trees: ensemble },
    heldOut: outOfBag,
    note: `${options.trees} trees of at most ${options.maxLeaves} leaves`,
  };
}
