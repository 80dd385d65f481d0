/** Regression trees in flat arrays, one after the other. The prediction is `base` plus the value of a leaf of each tree. */
export interface TreeEnsemble {
  base: number;
  /** First node of each tree. */
  roots: Int32Array;
  /** Column a node asks about, −1 for a leaf. */
  feature: Int16Array;
  /** A row goes to the left child when its value is ≤ this. */
  threshold: Float64Array;
  /** Left child; the right one is the node after it. */
  left: Int32Array;
  /** What a leaf adds. */
  value: Float64Array;
}

/** Prediction for the row that starts at `start`; with `trees`, by the first so many trees only. */
export function predictTrees(
  ensemble: TreeEnsemble,
  row: Float64Array,
  start = 0,
  trees: number = ensemble.roots.length,
): number {
  const { roots, feature, threshold, left, value } = ensemble;
  let sum = ensemble.base;
  for (let tree = 0; tree < trees; tree++) {
    let node = roots[tree]!;
    let column = feature[node]!;
    while (column >= 0) {
      node = left[node]! + (row[start + column]! <= threshold[node]! ? 0 : 1);
      column = feature[node]!;
    }
    sum += value[node]!;
  }
  return sum;
}

/** Collects trees while they grow; arrays double as they fill. */
export class TreeCollector {
  private count = 0;
  private readonly roots: number[] = [];
  private feature = new Int16Array(1024);
  private threshold = new Float64Array(1024);
  private left = new Int32Array(1024);
  private value = new Float64Array(1024);

  /** Starts a tree and returns its root. */
  startTree(): number {
    this.roots.push(this.count);
    return this.addNodes(1);
  }

  /** Turns a leaf into a split and returns its left child; the right one follows it. */
  split(node: number, column: number, threshold: number): number {
    const children = this.addNodes(2);
    this.feature[node] = column;
    this.threshold[node] = threshold;
    this.left[node] = children;
    return children;
  }

  setLeaf(node: number, value: number): void {
    this.value[node] = value;
  }

  /** Value of one collected tree for the row that starts at `start`. */
  evaluate(tree: number, row: Float64Array, start: number): number {
    let node = this.roots[tree]!;
    let column = this.feature[node]!;
    while (column >= 0) {
      node = this.left[node]! + (row[start + column]! <= this.threshold[node]! ? 0 : 1);
      column = this.feature[node]!;
    }
    return this.value[node]!;
  }

  private addNodes(amount: number): number {
    const first = this.count;
    this.count += amount;
    if (this.count > this.feature.length) this.enlarge();
    this.feature.fill(-1, first, this.count);
    return first;
  }

  private enlarge(): void {
    const size = this.feature.length * 2;
    const grow = <T extends { set(source: T): void }>(bigger: T, old: T): T => {
      bigger.set(old);
      return bigger;
    };
    this.feature = grow(new Int16Array(size), this.feature);
    this.threshold = grow(new Float64Array(size), this.threshold);
    this.left = grow(new Int32Array(size), this.left);
    this.value = grow(new Float64Array(size), this.value);
  }

  /** The first `trees` trees as they are now. */
  finish(base: number, trees: number = this.roots.length): TreeEnsemble {
    const end = trees < this.roots.length ? this.roots[trees]! : this.count;
    return {
      base,
      roots: Int32Array.from(this.roots.slice(0, trees)),
      feature: this.feature.slice(0, end),
      threshold: this.threshold.slice(0, end),
      left: this.left.slice(0, end),
      value: this.value.slice(0, end),
    };
  }
}
