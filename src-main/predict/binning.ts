/** A table whose columns are cut into at most 255 bins each: what histograms are built from. */
export interface BinnedTable {
  rows: number;
  columns: number;
  /** Codes of a row, one for each column, and one more when their number is odd. */
  stride: number;
  /**
   * Row-major; a code is the bin's place among the bins of all columns, so that a histogram needs no other offset. What fills a
   * row up to its stride is a code of its own, after all others.
   */
  codes: Uint16Array;
  /** The same codes by twos, the first of each two in the lower half. */
  pairs: Uint32Array;
  /** First code of each column, and one past the last: `columns + 1` numbers. */
  starts: Int32Array;
  /** Upper edges per column, rising: bin b holds edges[b − 1] < x ≤ edges[b]; the last bin has no upper edge. */
  edges: Float64Array[];
}

export const mostBins = 255;

/**
 * Upper edges of the bins of one column: half-way between neighbouring values while there are few, quantiles otherwise, so
 * that each bin holds about as many rows.
 */
export function findEdges(values: Float64Array, bins: number = mostBins): Float64Array {
  const sorted = Float64Array.from(values).sort();
  const distinct: number[] = [];
  for (let place = 0; place < sorted.length && distinct.length <= bins; place++)
    if (place === 0 || sorted[place] !== sorted[place - 1]) distinct.push(sorted[place]!);
  if (distinct.length <= bins)
    return Float64Array.from({ length: Math.max(distinct.length - 1, 0) }, (_, place) =>
      halfway(distinct[place]!, distinct[place + 1]!),
    );
  const edges: number[] = [];
  for (let cut = 1; cut < bins; cut++) {
    const place = Math.floor((cut * sorted.length) / bins);
    const low = sorted[place - 1]!;
    // A run of equal values belongs to one bin: its edge lies behind the run.
    let next = place;
    while (next < sorted.length && sorted[next] === low) next++;
    if (next === sorted.length) break;
    const edge = halfway(low, sorted[next]!);
    if (edges.length === 0 || edge > edges.at(-1)!) edges.push(edge);
  }
  return Float64Array.from(edges);
}

// Never the upper value itself, which rounding could give: x ≤ edge must part the two.
function halfway(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

/** The bin of a value: the number of edges below it. */
export function findBin(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= edges[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Cuts a row-major table of finite numbers into bins. */
export function binTable(table: Float64Array, columns: number, bins: number = mostBins): BinnedTable {
  const rows = columns === 0 ? 0 : table.length / columns;
  const stride = columns + (columns % 2);
  const codes = new Uint16Array(rows * stride);
  const starts = new Int32Array(columns + 1);
  const edges: Float64Array[] = [];
  const values = new Float64Array(rows);
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) values[row] = table[row * columns + column]!;
    const found = findEdges(values, bins);
    edges.push(found);
    const start = starts[column]!;
    starts[column + 1] = start + found.length + 1;
    for (let row = 0; row < rows; row++) codes[row * stride + column] = start + findBin(found, values[row]!);
  }
  if (stride > columns) for (let row = 0; row < rows; row++) codes[row * stride + columns] = starts[columns]!;
  return { rows, columns, stride, codes, pairs: new Uint32Array(codes.buffer), starts, edges };
}
