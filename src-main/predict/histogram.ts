import type { BinnedTable } from "./binning.ts";

/** For each code of a binned table two numbers side by side: the sum of gradients and the sum of weights of its rows. */
export type Histogram = Float64Array;

/** An empty histogram for a table. */
export function createHistogram(table: BinnedTable): Histogram {
  return new Float64Array(2 * table.starts[table.columns]!);
}

/**
 * Sums gradients and weights of the rows `order[from..to)` per bin. A gradient is already multiplied by its row's weight.
 * Row by row, not column by column: a row's codes lie in one cache line.
 */
export function buildHistogram(
  histogram: Histogram,
  table: BinnedTable,
  order: Uint32Array,
  from: number,
  to: number,
  gradients: Float64Array,
  weights: Float64Array | null,
): void {
  histogram.fill(0);
  const { codes, columns } = table;
  for (let place = from; place < to; place++) {
    const row = order[place]!;
    const gradient = gradients[row]!;
    const weight = weights === null ? 1 : weights[row]!;
    const end = (row + 1) * columns;
    for (let at = row * columns; at < end; at++) {
      const slot = codes[at]! << 1;
      histogram[slot] = histogram[slot]! + gradient;
      histogram[slot + 1] = histogram[slot + 1]! + weight;
    }
  }
}

/** Turns a parent's histogram into that of one child by taking the other child's away: half the work of building it. */
export function subtractHistogram(parent: Histogram, child: Histogram): void {
  for (let slot = 0; slot < parent.length; slot++) parent[slot]! -= child[slot]!;
}
