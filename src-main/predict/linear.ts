/**
 * Weighted least squares on non-negative coefficients, from the normal equations: minimises bᵀGb − 2bᵀc with b ≥ 0. Exact for
 * few unknowns: every set of active coefficients is solved and the best feasible one taken (at most 12 unknowns). Unknowns
 * whose column is zero, or a combination of active ones, stay 0.
 */
export function solveNonNegative(gram: Float64Array, moments: Float64Array): Float64Array {
  const size = moments.length;
  if (size > 12) throw new Error(`${size} unknowns are too many to try every active set`);
  let best = new Float64Array(size);
  let lowest = 0;
  for (let mask = 1; mask < 1 << size; mask++) {
    const active: number[] = [];
    for (let index = 0; index < size; index++) if (mask & (1 << index)) active.push(index);
    const solution = solveActive(gram, moments, active);
    if (!solution) continue;
    let loss = 0;
    for (let i = 0; i < active.length; i++) loss -= solution[i]! * moments[active[i]!]!;
    // At the solution of its normal equations the loss is −bᵀc.
    if (loss >= lowest - 1e-12 * Math.abs(lowest)) continue;
    lowest = loss;
    best = new Float64Array(size);
    active.forEach((index, place) => (best[index] = solution[place]!));
  }
  return best;
}

/** Solves a symmetric positive definite system in place by Cholesky; null when it is singular to working precision. */
export function solveCholesky(matrix: Float64Array, right: Float64Array): Float64Array | null {
  const size = right.length;
  for (let row = 0; row < size; row++) {
    const scale = matrix[row * size + row]!;
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row * size + column]!;
      for (let k = 0; k < column; k++) sum -= matrix[row * size + k]! * matrix[column * size + k]!;
      if (column < row) matrix[row * size + column] = sum / matrix[column * size + column]!;
      else if (!(sum > scale * 1e-11)) return null;
      else matrix[row * size + row] = Math.sqrt(sum);
    }
  }
  const solution = Float64Array.from(right);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < row; k++) solution[row]! -= matrix[row * size + k]! * solution[k]!;
    solution[row]! /= matrix[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let k = row + 1; k < size; k++) solution[row]! -= matrix[k * size + row]! * solution[k]!;
    solution[row]! /= matrix[row * size + row]!;
  }
  return solution;
}

function solveActive(gram: Float64Array, moments: Float64Array, active: number[]): Float64Array | null {
  const size = moments.length;
  const count = active.length;
  const matrix = new Float64Array(count * count);
  const right = new Float64Array(count);
  // Columns may differ by many orders of magnitude (bytes against a constant): the diagonal is scaled to 1.
  const scale = active.map((index) => Math.sqrt(gram[index * size + index]!));
  if (scale.some((value) => !(value > 0))) return null;
  for (let i = 0; i < count; i++) {
    right[i] = moments[active[i]!]! / scale[i]!;
    for (let j = 0; j < count; j++)
      matrix[i * count + j] = gram[active[i]! * size + active[j]!]! / (scale[i]! * scale[j]!);
  }
  const solution = solveCholesky(matrix, right);
  if (!solution) return null;
  for (let i = 0; i < count; i++) {
    if (!(solution[i]! >= 0)) return null;
    solution[i]! /= scale[i]!;
  }
  return solution;
}

/**
 * Fits y ≈ Σ bⱼxⱼ with b ≥ 0 so that the sum of squared relative errors is least: each row is weighted by 1/y².
 * `rows` are row-major with `columns` numbers each; rows whose y is not positive are left out.
 */
export function fitRelativeNonNegative(rows: Float64Array, columns: number, y: Float64Array): Float64Array {
  const gram = new Float64Array(columns * columns);
  const moments = new Float64Array(columns);
  for (let row = 0; row < y.length; row++) {
    const target = y[row]!;
    if (!(target > 0)) continue;
    for (let i = 0; i < columns; i++) {
      const a = rows[row * columns + i]! / target;
      moments[i]! += a;
      for (let j = 0; j < columns; j++) gram[i * columns + j]! += a * (rows[row * columns + j]! / target);
    }
  }
  return solveNonNegative(gram, moments);
}
