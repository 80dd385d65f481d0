import { meanOf } from "../model/mean.ts";
import { createRandom } from "../model/random.ts";
import { binTable } from "./binning.ts";
import { TreeGrower } from "./grower.ts";
import type { LearningTable } from "./learningTable.ts";
import { TreeCollector, type TreeEnsemble } from "./trees.ts";

/** How a forest grows. */
export interface ForestOptions {
  trees: number;
  maxLeaves: number;
  /** Least rows in a leaf, each counted as often as it was drawn. */
  minLeaf: number;
  /** Share of the columns each split may choose from. */
  columnShare: number;
  bins: number;
  seed: number;
}

/** A forest with what it says of rows it did not see. */
export interface ForestResult {
  /** Its sum is the mean of the trees. */
  ensemble: TreeEnsemble;
  /** Prediction of each row by the trees whose sample lacks the row's group; the mean target where every tree has it. */
  outOfBag: Float64Array;
}

/**
 * Random forest (Breiman 2001, "Random Forests"): each tree grows on a bootstrap sample, each split chooses from a random
 * subset of columns. Whole groups of rows (networks) are drawn, not rows: rows of one group are alike, and only a tree that
 * saw none of them tells what the forest knows of a new group. Depends on the rows, the groups and the options alone.
 */
export function fitForest(table: LearningTable, group: Int32Array, options: ForestOptions): ForestResult {
  const { columns, x, y } = table;
  const rows = y.length;
  const random = createRandom(options.seed);
  const groups = [...new Set(group)];
  const binned = binTable(x, columns, options.bins);
  const wanted = Math.max(1, Math.round(columns * options.columnShare));
  const every = Int32Array.from({ length: columns }, (_, column) => column);
  const grower = new TreeGrower(binned, {
    maxLeaves: options.maxLeaves,
    minLeaf: options.minLeaf,
    l2: 0,
    shrinkage: 1 / options.trees,
    minGain: 1e-12,
    drawColumns: () => drawColumns(every, wanted, random.next),
  });
  const collector = new TreeCollector();
  const counts = new Uint32Array(rows);
  const gradients = new Float64Array(rows);
  const sums = new Float64Array(rows);
  const trees = new Int32Array(rows);
  for (let tree = 0; tree < options.trees; tree++) {
    const drawn = new Map<number, number>();
    for (let draw = 0; draw < groups.length; draw++) {
      const chosen = groups[Math.floor(random.next() * groups.length)]!;
      drawn.set(chosen, (drawn.get(chosen) ?? 0) + 1);
    }
    const order: number[] = [];
    for (let row = 0; row < rows; row++) {
      const times = drawn.get(group[row]!) ?? 0;
      counts[row] = times;
      gradients[row] = -y[row]! * times;
      if (times > 0) order.push(row);
    }
    grower.grow(collector, Uint32Array.from(order), gradients, counts, every);
    for (let row = 0; row < rows; row++) {
      if (drawn.has(group[row]!)) continue;
      sums[row]! += collector.evaluate(tree, x, row * columns) * options.trees;
      trees[row]!++;
    }
  }
  const mean = meanOf(y);
  return {
    ensemble: collector.finish(0),
    outOfBag: sums.map((sum, row) => (trees[row]! > 0 ? sum / trees[row]! : mean)),
  };
}

// The first places of a shuffle that is not carried further (Durstenfeld 1964, Algorithm 235).
function drawColumns(columns: Int32Array, wanted: number, next: () => number): Int32Array {
  const places = columns.slice();
  for (let place = 0; place < wanted; place++) {
    const other = place + Math.floor(next() * (places.length - place));
    const kept = places[place]!;
    places[place] = places[other]!;
    places[other] = kept;
  }
  return places.subarray(0, wanted).sort();
}
