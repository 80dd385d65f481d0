import { meanOf } from "../model/mean.ts";
import { createRandom } from "../model/random.ts";
import { binTable, type BinnedTable } from "./binning.ts";
import { TreeGrower, type GrownLeaf } from "./grower.ts";
import { meanSquaredError, type LearningTable } from "./learningTable.ts";
import { predictTrees, TreeCollector, type TreeEnsemble } from "./trees.ts";

/** How trees are boosted. */
export interface BoostingOptions {
  /** Most trees. */
  trees: number;
  learningRate: number;
  maxLeaves: number;
  /** Most splits between the root and a leaf; no limit when left out. */
  maxDepth?: number;
  /** Least rows in a leaf. */
  minLeaf: number;
  l2: number;
  /** Share of the rows, and of the columns, each tree sees. */
  rowShare: number;
  columnShare: number;
  /** Most bins of a column. */
  bins: number;
  /** Rounds without a better validation error after which boosting stops; 0 never stops early. */
  patience: number;
  seed: number;
}

/** Boosted trees and how the error on the validation rows went. */
export interface BoostingResult {
  ensemble: TreeEnsemble;
  /** Mean squared error on the validation rows after 0, 1, 2 … trees; empty without validation. */
  curve: number[];
}

/**
 * Gradient boosting of squared error with histogram trees (Friedman 2001, 2002; Ke et al. 2017, LightGBM). With validation
 * rows it stops when their error has not improved for `patience` rounds; the trees grown until then are kept, the caller
 * chooses how many to use from the curve. The result depends on the rows, the options and the seed alone.
 */
export function fitBoosting(
  table: LearningTable,
  options: BoostingOptions,
  validation: LearningTable | null = null,
): BoostingResult {
  return new Booster(table, options, validation).run();
}

class Booster {
  private readonly table: LearningTable;
  private readonly options: BoostingOptions;
  private readonly validation: LearningTable | null;
  private readonly binned: BinnedTable;
  private readonly base: number;
  /** What the trees so far make of each row, less its target: the gradient of half the squared error. */
  private readonly gradients: Float64Array;
  private readonly validated: Float64Array;
  /** Number of the last tree that was grown on a row, from 1. */
  private readonly seen: Uint32Array;
  private readonly collector = new TreeCollector();

  constructor(table: LearningTable, options: BoostingOptions, validation: LearningTable | null) {
    this.table = table;
    this.options = options;
    this.validation = validation;
    this.binned = binTable(table.x, table.columns, options.bins);
    this.base = table.y.length > 0 ? meanOf(table.y) : 0;
    this.gradients = table.y.map((value) => this.base - value);
    this.seen = new Uint32Array(table.y.length);
    this.validated = new Float64Array(validation?.y.length ?? 0).fill(this.base);
  }

  run(): BoostingResult {
    const { options, table } = this;
    const random = createRandom(options.seed);
    const grower = new TreeGrower(this.binned, {
      maxLeaves: options.maxLeaves,
      maxDepth: options.maxDepth,
      minLeaf: options.minLeaf,
      l2: options.l2,
      shrinkage: options.learningRate,
      minGain: 1e-12,
    });
    const curve = this.validation ? [this.validationError()] : [];
    let lowest = curve[0] ?? Infinity;
    let since = 0;
    for (let tree = 0; tree < options.trees; tree++) {
      const order = drawSorted(table.y.length, options.rowShare, random.next);
      const columns = Int32Array.from(drawSorted(table.columns, options.columnShare, random.next));
      const leaves = grower.grow(this.collector, order, this.gradients, null, columns);
      this.advance(order, leaves, tree);
      if (!this.validation) continue;
      const error = this.validationError();
      curve.push(error);
      if (error < lowest) {
        lowest = error;
        since = 0;
      } else if (++since === options.patience) break;
    }
    return { ensemble: this.collector.finish(this.base), curve };
  }

  // Rows the tree saw get their leaf's value at once; others, and validation rows, walk the tree.
  private advance(order: Uint32Array, leaves: GrownLeaf[], tree: number): void {
    const { gradients, seen } = this;
    const { columns } = this.table;
    for (const { from, to, value } of leaves)
      for (let place = from; place < to; place++) {
        const row = order[place]!;
        gradients[row]! += value;
        seen[row] = tree + 1;
      }
    if (order.length < gradients.length)
      for (let row = 0; row < gradients.length; row++)
        if (seen[row] !== tree + 1)
          gradients[row]! += this.collector.evaluate(tree, this.table.x, row * columns);
    if (this.validation)
      for (let row = 0; row < this.validated.length; row++)
        this.validated[row]! += this.collector.evaluate(tree, this.validation.x, row * columns);
  }

  private validationError(): number {
    return meanSquaredError(this.validated, this.validation!.y);
  }
}

/** Predictions of the first `trees` trees for every row of a table. */
export function predictRows(ensemble: TreeEnsemble, table: LearningTable, trees?: number): Float64Array {
  return table.y.map((_, row) => predictTrees(ensemble, table.x, row * table.columns, trees));
}

// Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): rising, so rows are read in order.
function drawSorted(count: number, share: number, next: () => number): Uint32Array {
  const wanted = Math.max(1, Math.min(count, Math.round(count * share)));
  const drawn = new Uint32Array(wanted);
  if (wanted === count) {
    for (let index = 0; index < count; index++) drawn[index] = index;
    return drawn;
  }
  let chosen = 0;
  for (let index = 0; chosen < wanted; index++)
    if ((count - index) * next() < wanted - chosen) drawn[chosen++] = index;
  return drawn;
}
