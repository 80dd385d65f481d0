/**
 * Weighted sums of a table from which least squares with an intercept can be solved without the table: adding and
 * subtracting them joins and parts sets of rows, so that each fold of a cross-validation costs a subtraction, not a pass.
 */
export interface Moments {
  columns: number;
  weight: number;
  /** Σw·x per column. */
  x: Float64Array;
  y: number;
  /** Σw·xᵢ·xⱼ, the lower triangle of a full matrix. */
  xx: Float64Array;
  xy: Float64Array;
  yy: number;
}

/** The moments of no rows. */
export function createMoments(columns: number): Moments {
  return {
    columns,
    weight: 0,
    x: new Float64Array(columns),
    y: 0,
    xx: new Float64Array(columns * columns),
    xy: new Float64Array(columns),
    yy: 0,
  };
}

/** Adds one row. */
export function addRow(moments: Moments, row: Float64Array, y: number, weight: number): void {
  const { columns, x, xx, xy } = moments;
  moments.weight += weight;
  moments.y += weight * y;
  moments.yy += weight * y * y;
  for (let i = 0; i < columns; i++) {
    const value = weight * row[i]!;
    if (value === 0) continue;
    x[i]! += value;
    xy[i]! += value * y;
    const start = i * columns;
    for (let j = 0; j <= i; j++) xx[start + j]! += value * row[j]!;
  }
}

/** The sum (`sign` 1) or difference (`sign` −1) of two sets of rows. */
export function combineMoments(a: Moments, b: Moments, sign: 1 | -1): Moments {
  const join = (first: Float64Array, second: Float64Array) =>
    first.map((value, index) => value + sign * second[index]!);
  return {
    columns: a.columns,
    weight: a.weight + sign * b.weight,
    x: join(a.x, b.x),
    y: a.y + sign * b.y,
    xx: join(a.xx, b.xx),
    xy: join(a.xy, b.xy),
    yy: a.yy + sign * b.yy,
  };
}
