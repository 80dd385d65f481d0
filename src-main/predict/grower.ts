import type { BinnedTable } from "./binning.ts";
import { buildHistogram, createHistogram, subtractHistogram, type Histogram } from "./histogram.ts";
import type { TreeCollector } from "./trees.ts";

/** Limits of a tree. */
export interface GrowOptions {
  maxLeaves: number;
  /** Most splits between the root and a leaf; no limit when left out. */
  maxDepth?: number | undefined;
  /** Least sum of weights (rows, when they weigh 1) in a leaf. */
  minLeaf: number;
  /** Added to the weight of a leaf: shrinks the values of small leaves. */
  l2: number;
  /** What leaf values are multiplied with. */
  shrinkage: number;
  /** Least gain of a split. */
  minGain: number;
  /** Draws the columns a split may use, afresh for each split; without it all splits of a tree use the same. */
  drawColumns?: () => Int32Array;
}

/** A finished leaf: rows `order[from..to)` get `value`. */
export interface GrownLeaf {
  from: number;
  to: number;
  value: number;
}

interface Leaf {
  node: number;
  depth: number;
  from: number;
  to: number;
  gradient: number;
  weight: number;
  histogram: Histogram | null;
  gain: number;
  column: number;
  code: number;
  leftGradient: number;
  leftWeight: number;
}

/**
 * Grows regression trees leaf by leaf, the split with the largest gain first (Shi 2007, "Best-first Decision Tree Learning"),
 * on histograms. Splits minimise Σ gradient²/weight as in second-order boosting (Chen, Guestrin 2016, XGBoost, eq. 7);
 * ties go to the first column and the lowest bin, so a tree depends on its input alone. One grower serves many trees.
 */
export class TreeGrower {
  private readonly table: BinnedTable;
  private readonly options: GrowOptions;
  private readonly spare: Histogram[] = [];
  private readonly moved: Uint32Array;

  constructor(table: BinnedTable, options: GrowOptions) {
    this.table = table;
    this.options = options;
    this.moved = new Uint32Array(table.rows);
  }

  /**
   * Grows one tree on the rows of `order`, which it rearranges so that each leaf's rows are neighbours. `gradients` are
   * already weighted; `columns` are those a split may use. Returns the leaves.
   */
  grow(
    collector: TreeCollector,
    order: Uint32Array,
    gradients: Float64Array,
    weights: Float64Array | null,
    columns: Int32Array,
  ): GrownLeaf[] {
    const root = this.createRoot(collector.startTree(), order, gradients, weights);
    const leaves = [root];
    if (this.isDivisible(root)) {
      root.histogram = this.takeHistogram();
      buildHistogram(root.histogram, this.table, order, 0, order.length, gradients, weights);
      this.findSplit(root, columns);
    }
    while (leaves.length < this.options.maxLeaves) {
      let best = 0;
      for (let index = 1; index < leaves.length; index++)
        if (leaves[index]!.gain > leaves[best]!.gain) best = index;
      const leaf = leaves[best]!;
      if (!(leaf.gain > this.options.minGain)) break;
      const last = leaves.length + 1 === this.options.maxLeaves;
      const [left, right] = this.divide(collector, leaf, order, gradients, weights, columns, last);
      leaves[best] = left;
      leaves.push(right);
    }
    return leaves.map((leaf) => {
      if (leaf.histogram) this.spare.push(leaf.histogram);
      const value = (-leaf.gradient / (leaf.weight + this.options.l2)) * this.options.shrinkage;
      const safe = Number.isFinite(value) ? value : 0;
      collector.setLeaf(leaf.node, safe);
      return { from: leaf.from, to: leaf.to, value: safe };
    });
  }

  private createRoot(
    node: number,
    order: Uint32Array,
    gradients: Float64Array,
    weights: Float64Array | null,
  ): Leaf {
    let gradient = 0;
    let weight = weights ? 0 : order.length;
    for (let place = 0; place < order.length; place++) {
      const row = order[place]!;
      gradient += gradients[row]!;
      if (weights) weight += weights[row]!;
    }
    return createLeaf(node, 0, 0, order.length, gradient, weight);
  }

  private isDivisible(leaf: Leaf): boolean {
    const { minLeaf, maxDepth = Infinity } = this.options;
    return leaf.depth < maxDepth && leaf.weight >= 2 * minLeaf && leaf.to - leaf.from >= 2;
  }

  private takeHistogram(): Histogram {
    return this.spare.pop() ?? createHistogram(this.table);
  }

  private findSplit(leaf: Leaf, given: Int32Array): void {
    const columns = this.options.drawColumns?.() ?? given;
    const { minLeaf, l2 } = this.options;
    const { starts } = this.table;
    const histogram = leaf.histogram!;
    const { gradient, weight } = leaf;
    const whole = (gradient * gradient) / (weight + l2);
    for (let place = 0; place < columns.length; place++) {
      const column = columns[place]!;
      const end = starts[column + 1]! - 1;
      let leftGradient = 0;
      let leftWeight = 0;
      for (let code = starts[column]!; code < end; code++) {
        const here = histogram[2 * code + 1]!;
        leftGradient += histogram[2 * code]!;
        leftWeight += here;
        // An empty bin gives the split of the bin before it; subtraction may leave a rounding error for empty.
        if (here < 1e-9 || leftWeight < minLeaf) continue;
        const rightWeight = weight - leftWeight;
        if (rightWeight < minLeaf) break;
        const rightGradient = gradient - leftGradient;
        const gain =
          (leftGradient * leftGradient) / (leftWeight + l2) +
          (rightGradient * rightGradient) / (rightWeight + l2) -
          whole;
        if (gain > leaf.gain) {
          leaf.gain = gain;
          leaf.column = column;
          leaf.code = code;
          leaf.leftGradient = leftGradient;
          leaf.leftWeight = leftWeight;
        }
      }
    }
  }

  private divide(
    collector: TreeCollector,
    leaf: Leaf,
    order: Uint32Array,
    gradients: Float64Array,
    weights: Float64Array | null,
    columns: Int32Array,
    last: boolean,
  ): [Leaf, Leaf] {
    const { column, code, from, to } = leaf;
    const threshold = this.table.edges[column]![code - this.table.starts[column]!]!;
    const child = collector.split(leaf.node, column, threshold);
    const middle = this.partition(order, leaf);
    // The sums the split was judged by: another pass over the rows would only round them differently.
    const { leftGradient: gradient, leftWeight: weight } = leaf;
    const depth = leaf.depth + 1;
    const left = createLeaf(child, depth, from, middle, gradient, weight);
    const right = createLeaf(child + 1, depth, middle, to, leaf.gradient - gradient, leaf.weight - weight);
    const parent = leaf.histogram!;
    const wantsLeft = !last && this.isDivisible(left);
    const wantsRight = !last && this.isDivisible(right);
    if (wantsLeft || wantsRight) {
      const [small, large] = middle - from <= to - middle ? [left, right] : [right, left];
      small.histogram = this.takeHistogram();
      buildHistogram(small.histogram, this.table, order, small.from, small.to, gradients, weights);
      subtractHistogram(parent, small.histogram);
      large.histogram = parent;
      if (wantsLeft) this.findSplit(left, columns);
      if (wantsRight) this.findSplit(right, columns);
    } else this.spare.push(parent);
    return [left, right];
  }

  // Keeps the order within each side: rows stay rising, which memory likes, and the result does not depend on chance.
  private partition(order: Uint32Array, leaf: Leaf): number {
    const { codes, columns } = this.table;
    const { from, to, column, code } = leaf;
    let kept = from;
    let moved = 0;
    for (let place = from; place < to; place++) {
      const row = order[place]!;
      if (codes[row * columns + column]! <= code) order[kept++] = row;
      else this.moved[moved++] = row;
    }
    order.set(this.moved.subarray(0, moved), kept);
    return kept;
  }
}

function createLeaf(
  node: number,
  depth: number,
  from: number,
  to: number,
  gradient: number,
  weight: number,
): Leaf {
  return {
    node,
    depth,
    from,
    to,
    gradient,
    weight,
    histogram: null,
    gain: 0,
    column: -1,
    code: -1,
    leftGradient: 0,
    leftWeight: 0,
  };
}
