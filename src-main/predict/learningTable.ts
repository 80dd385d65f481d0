/** A table with a target: what a learner is fitted on. */
export interface LearningTable {
  columns: number;
  /** Row-major, finite. */
  x: Float64Array;
  y: Float64Array;
}

/** Mean of squared differences; 0 without rows. */
export function meanSquaredError(predicted: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < y.length; row++) sum += (predicted[row]! - y[row]!) ** 2;
  return sum / Math.max(y.length, 1);
}
