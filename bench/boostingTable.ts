import { createRandom } from "../src-main/model/random.ts";
import type { LearningTable } from "../src-main/predict/learningTable.ts";

/** Columns of a table for timing fits. */
export const tableColumns = 12;

/**
 * Rows with times of the shapes real kernels have: products of sizes, a staircase, noise of 3 %. The target is a logarithm of a
 * time.
 */
export function makeBoostingTable(rows: number, seed: number): LearningTable {
  const random = createRandom(seed);
  const x = new Float64Array(rows * tableColumns);
  const y = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * tableColumns;
    for (let column = 0; column < tableColumns; column++)
      x[start + column] = Math.round(2 ** (2 + 9 * random.next()));
    const waste = Math.ceil(x[start]! / 16) / (x[start]! / 16);
    const cache = x[start + 1]! > 256 ? 0.4 : 0;
    const share = Math.log(x[start + 2]!) * Math.log(x[start + 3]!);
    y[row] = Math.log(waste) + cache + 0.05 * share + 0.03 * random.normal();
  }
  return { columns: tableColumns, x, y };
}
