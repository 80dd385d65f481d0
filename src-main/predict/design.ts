import type { FeatureColumn } from "./featureColumns.ts";

/**
 * How a linear learner sees a class's features: logarithms where the feature says so, standardised, and their products.
 * Values are kept inside the range of the training rows: products of features far outside it would run away, and what lies
 * beyond is the roofline's to extrapolate.
 */
export interface Design {
  /** 1 where the logarithm is taken. */
  log: Uint8Array;
  mean: Float64Array;
  /** Standard deviation; 0 for a column that is constant in training, which no term uses. */
  deviation: Float64Array;
  /** Range of the transformed column in training. */
  low: Float64Array;
  high: Float64Array;
}

/** A term of a design: one standardised column, or the product of two (the same one twice for a square). */
export type Term = readonly [first: number, second: number];

/** No second factor. */
export const none = -1;

/** Measures the columns of a row-major table. */
export function createDesign(features: readonly FeatureColumn[], x: Float64Array): Design {
  const columns = features.length;
  const rows = x.length / columns;
  const design: Design = {
    log: Uint8Array.from(features, (feature) => (feature.scale === "log" ? 1 : 0)),
    mean: new Float64Array(columns),
    deviation: new Float64Array(columns),
    low: new Float64Array(columns).fill(Infinity),
    high: new Float64Array(columns).fill(-Infinity),
  };
  for (let column = 0; column < columns; column++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const value = transform(design, column, x[row * columns + column]!);
      sum += value;
      if (value < design.low[column]!) design.low[column] = value;
      if (value > design.high[column]!) design.high[column] = value;
    }
    const mean = sum / rows;
    let square = 0;
    for (let row = 0; row < rows; row++)
      square += (transform(design, column, x[row * columns + column]!) - mean) ** 2;
    design.mean[column] = mean;
    const deviation = Math.sqrt(square / rows);
    design.deviation[column] = deviation > 1e-9 * Math.max(Math.abs(mean), 1) ? deviation : 0;
  }
  return design;
}

/**
 * The terms a design offers: every column that varies and, when `products`, squares and products of two columns that are
 * logarithms. Flags and shares have none: they are many on a GPU, and a product with each of them costs more than it tells.
 */
export function listTerms(design: Design, products: boolean): Term[] {
  const columns: number[] = [];
  design.deviation.forEach((deviation, column) => {
    if (deviation > 0) columns.push(column);
  });
  const terms: Term[] = columns.map((column) => [column, none]);
  const factors = products ? columns.filter((column) => design.log[column] === 1) : [];
  factors.forEach((first, place) => {
    for (const second of factors.slice(place)) terms.push([first, second]);
  });
  return terms;
}

/** A column's standardised value for a raw feature. */
export function standardiseValue(design: Design, column: number, raw: number): number {
  const value = transform(design, column, raw);
  const low = design.low[column]!;
  const high = design.high[column]!;
  const inside = value < low ? low : value > high ? high : value;
  return (inside - design.mean[column]!) / design.deviation[column]!;
}

/** Writes the terms of the row that starts at `start`; `columns` is scratch for the standardised columns. */
export function expandRow(
  design: Design,
  terms: readonly Term[],
  x: Float64Array,
  start: number,
  columns: Float64Array,
  out: Float64Array,
): void {
  for (let column = 0; column < columns.length; column++)
    columns[column] =
      design.deviation[column]! > 0 ? standardiseValue(design, column, x[start + column]!) : 0;
  for (let place = 0; place < terms.length; place++) {
    const [first, second] = terms[place]!;
    out[place] = second === none ? columns[first]! : columns[first]! * columns[second]!;
  }
}

// 1 + x: counts may be 0.
function transform(design: Design, column: number, raw: number): number {
  return design.log[column] === 1 ? Math.log(1 + raw) : raw;
}
