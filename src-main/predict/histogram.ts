import type { BinnedTable } from "./binning.ts";

/** For each code of a binned table the sum of its rows as `RowPacking` packs them: one number tells rows and gradients. */
export type Histogram = Float64Array;

/** An empty histogram for a table. */
export function createHistogram(table: BinnedTable): Histogram {
  const codes = table.starts[table.columns]!;
  return new Float64Array(table.stride > table.columns ? codes + 1 : codes);
}

/**
 * Sums the packed rows `order[from..to)` per bin. Row by row, not column by column: a row's codes lie in one cache line. Two rows
 * and two of their codes at once: a processor adds to four bins while it would wait for one.
 */
export function buildHistogram(
  histogram: Histogram,
  table: BinnedTable,
  order: Uint32Array,
  from: number,
  to: number,
  packed: Float64Array,
): void {
  histogram.fill(0);
  const { pairs } = table;
  const stride = table.stride / 2;
  let place = from;
  for (; place + 1 < to; place += 2) {
    const row = order[place]!;
    const other = order[place + 1]!;
    const value = packed[row]!;
    const otherValue = packed[other]!;
    const end = (row + 1) * stride;
    let otherAt = other * stride;
    for (let at = row * stride; at < end; at++) {
      const pair = pairs[at]!;
      const otherPair = pairs[otherAt++]!;
      const first = pair & 0xffff;
      const second = pair >>> 16;
      const otherFirst = otherPair & 0xffff;
      const otherSecond = otherPair >>> 16;
      histogram[first] = histogram[first]! + value;
      histogram[second] = histogram[second]! + value;
      histogram[otherFirst] = histogram[otherFirst]! + otherValue;
      histogram[otherSecond] = histogram[otherSecond]! + otherValue;
    }
  }
  if (place === to) return;
  const row = order[place]!;
  const value = packed[row]!;
  const end = (row + 1) * table.stride;
  for (let at = row * table.stride; at < end; at++) {
    const code = table.codes[at]!;
    histogram[code] = histogram[code]! + value;
  }
}

/** Turns a parent's histogram into that of one child by taking the other child's away: half the work of building it. */
export function subtractHistogram(parent: Histogram, child: Histogram): void {
  for (let code = 0; code < parent.length; code++) parent[code] = parent[code]! - child[code]!;
}
