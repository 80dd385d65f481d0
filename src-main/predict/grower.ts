import type { BinnedTable } from "./binning.ts";
import { buildHistogram, createHistogram, subtractHistogram, type Histogram } from "./histogram.ts";
import { RowPacking } from "./rowPacking.ts";
import type { TreeCollector } from "./trees.ts";

/** Limits of a tree. */
export interface GrowOptions {
  maxLeaves: number;
  /** Most splits between the root and a leaf; no limit when left out. */
  maxDepth?: number | undefined;
  /** Least rows in a leaf. */
  minLeaf: number;
  /** Added to the rows of a leaf: shrinks the values of small leaves. */
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
  /** Packed sum of its rows. */
  sum: number;
  histogram: Histogram | null;
  gain: number;
  column: number;
  code: number;
  /** Packed sum of the rows its best split sends left. */
  left: number;
}

/**
 * Grows regression trees leaf by leaf, the split with the largest gain first (Shi 2007, "Best-first Decision Tree Learning"),
 * on histograms. Splits maximise Σ gradient²/rows as in second-order boosting (Chen, Guestrin 2016, XGBoost, eq. 7);
 * ties go to the first column and the lowest bin, so a tree depends on its input alone. One grower serves many trees.
 */
export class TreeGrower {
  private readonly table: BinnedTable;
  private readonly options: GrowOptions;
  private readonly spare: Histogram[] = [];
  private readonly moved: Uint32Array;
  private readonly packing: RowPacking;

  constructor(table: BinnedTable, options: GrowOptions) {
    this.table = table;
    this.options = options;
    this.moved = new Uint32Array(table.rows);
    this.packing = new RowPacking(table.rows);
  }

  /**
   * Grows one tree on the rows of `order`, which it rearranges so that each leaf's rows are neighbours. `counts` tells how often
   * a row is counted, once when null; `gradients` are already so multiplied. `columns` are those a split may use. Returns the
   * leaves.
   */
  grow(
    collector: TreeCollector,
    order: Uint32Array,
    gradients: Float64Array,
    counts: Uint32Array | null,
    columns: Int32Array,
  ): GrownLeaf[] {
    this.packing.pack(gradients, counts);
    const root = createLeaf(collector.startTree(), 0, 0, order.length, this.sumRows(order));
    const leaves = [root];
    if (this.isDivisible(root)) {
      root.histogram = this.buildHistogram(root, order);
      this.findSplit(root, columns);
    }
    while (leaves.length < this.options.maxLeaves) {
      let best = 0;
      for (let index = 1; index < leaves.length; index++)
        if (leaves[index]!.gain > leaves[best]!.gain) best = index;
      const leaf = leaves[best]!;
      if (!(leaf.gain > this.options.minGain)) break;
      const last = leaves.length + 1 === this.options.maxLeaves;
      const [left, right] = this.divide(collector, leaf, order, columns, last);
      leaves[best] = left;
      leaves.push(right);
    }
    return leaves.map((leaf) => {
      if (leaf.histogram) this.spare.push(leaf.histogram);
      const value = this.weighLeaf(leaf, order, gradients);
      collector.setLeaf(leaf.node, value);
      return { from: leaf.from, to: leaf.to, value };
    });
  }

  private sumRows(order: Uint32Array): number {
    const { values } = this.packing;
    let sum = 0;
    for (let place = 0; place < order.length; place++) sum += values[order[place]!]!;
    return sum;
  }

  // From the gradients themselves: splits are judged by rounded ones.
  private weighLeaf(leaf: Leaf, order: Uint32Array, gradients: Float64Array): number {
    let gradient = 0;
    for (let place = leaf.from; place < leaf.to; place++) gradient += gradients[order[place]!]!;
    const { l2, shrinkage } = this.options;
    const value = (-gradient / (this.packing.count(leaf.sum) + l2)) * shrinkage;
    return Number.isFinite(value) ? value : 0;
  }

  private isDivisible(leaf: Leaf): boolean {
    const { minLeaf, maxDepth = Infinity } = this.options;
    const count = this.packing.count(leaf.sum);
    return leaf.depth < maxDepth && count >= 2 * minLeaf && leaf.to - leaf.from >= 2;
  }

  private buildHistogram(leaf: Leaf, order: Uint32Array): Histogram {
    const histogram = this.spare.pop() ?? createHistogram(this.table);
    buildHistogram(histogram, this.table, order, leaf.from, leaf.to, this.packing.values);
    return histogram;
  }

  private findSplit(leaf: Leaf, given: Int32Array): void {
    const columns = this.options.drawColumns?.() ?? given;
    const { minLeaf, l2 } = this.options;
    const { starts } = this.table;
    const { unit, step, counter } = this.packing;
    const countPerSum = 1 / unit;
    const histogram = leaf.histogram!;
    const count = this.packing.count(leaf.sum);
    // Gradients in steps, as they are packed. With sizes a, b (rows plus l2) and gradients g, h of the two sides, m their mean:
    // g²/a + h²/b = (g + h)²/(a + b) + (a + b) · (g − m·a)²/(a·b). Only the last factor differs between splits.
    const gradient = leaf.sum - count * unit;
    const size = count + 2 * l2;
    const mean = gradient / size;
    let best = 0;
    for (let place = 0; place < columns.length; place++) {
      const column = columns[place]!;
      const end = starts[column + 1]! - 1;
      let left = 0;
      for (let code = starts[column]!; code < end; code++) {
        left += histogram[code]!;
        const leftUnits = left + counter - counter;
        const leftCount = leftUnits * countPerSum;
        if (leftCount < minLeaf) continue;
        if (count - leftCount < minLeaf) break;
        const leftSize = leftCount + l2;
        const excess = left - leftUnits - mean * leftSize;
        const score = (excess * excess) / (leftSize * (size - leftSize));
        // An empty bin scores as the bin before it, which keeps the split.
        if (score > best) {
          best = score;
          leaf.column = column;
          leaf.code = code;
          leaf.left = left;
        }
      }
    }
    if (best > 0) {
      const whole = gradient * gradient;
      leaf.gain = (size * best + whole / size - whole / (count + l2)) * step * step;
    }
  }

  private divide(
    collector: TreeCollector,
    leaf: Leaf,
    order: Uint32Array,
    columns: Int32Array,
    last: boolean,
  ): [Leaf, Leaf] {
    const { column, code, from, to } = leaf;
    const threshold = this.table.edges[column]![code - this.table.starts[column]!]!;
    const child = collector.split(leaf.node, column, threshold);
    const middle = this.partition(order, leaf);
    const depth = leaf.depth + 1;
    const left = createLeaf(child, depth, from, middle, leaf.left);
    const right = createLeaf(child + 1, depth, middle, to, leaf.sum - leaf.left);
    const parent = leaf.histogram!;
    const wantsLeft = !last && this.isDivisible(left);
    const wantsRight = !last && this.isDivisible(right);
    if (wantsLeft || wantsRight) {
      const [small, large] = middle - from <= to - middle ? [left, right] : [right, left];
      small.histogram = this.buildHistogram(small, order);
      subtractHistogram(parent, small.histogram);
      large.histogram = parent;
      if (wantsLeft) this.findSplit(left, columns);
      if (wantsRight) this.findSplit(right, columns);
    } else this.spare.push(parent);
    return [left, right];
  }

  // Keeps the order within each side: rows stay rising, which memory likes, and the result does not depend on chance.
  private partition(order: Uint32Array, leaf: Leaf): number {
    const { codes, stride } = this.table;
    const { moved } = this;
    const { from, to, column, code } = leaf;
    let kept = from;
    let away = 0;
    for (let place = from; place < to; place++) {
      const row = order[place]!;
      // Every row is written to both sides and only one side counts it: which one is not to be guessed, so no branch.
      const goesLeft = (codes[row * stride + column]! - code - 1) >>> 31;
      order[kept] = row;
      moved[away] = row;
      kept += goesLeft;
      away += 1 - goesLeft;
    }
    order.set(moved.subarray(0, away), kept);
    return kept;
  }
}

function createLeaf(node: number, depth: number, from: number, to: number, sum: number): Leaf {
  return { node, depth, from, to, sum, histogram: null, gain: 0, column: -1, code: -1, left: 0 };
}
