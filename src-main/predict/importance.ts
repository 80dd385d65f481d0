import type { FeatureImportance } from "../lab/contract.ts";
import { createRandom, deriveSeed } from "../model/random.ts";
import { evaluateClass, type ClassModel } from "./classModel.ts";
import type { ClassTable } from "./dataset.ts";
import { listColumns } from "./featureColumns.ts";

/** Rows looked at: more would only sharpen digits nobody reads. */
const mostRows = 300;
/** A feature below this share of the whole is not told. */
const leastShare = 0.005;

/**
 * How much the predictions of a class hang on each feature: the mean change of their logarithm when the feature's values are
 * dealt anew among the rows (permutation importance: Breiman 2001, "Random Forests", section 10, here of the predictions
 * themselves). As percent of all features together, the most important first; empty where nothing varies.
 */
export function measureImportance(model: ClassModel, table: ClassTable, seed: number): FeatureImportance[] {
  const { columns } = table;
  const random = createRandom(deriveSeed(seed, "importance", table.kernel));
  const every = Array.from(table.ms, (_, row) => row);
  const rows = every.length > mostRows ? random.shuffle(every).slice(0, mostRows) : every;
  const x = new Float64Array(rows.length * columns);
  rows.forEach((row, place) => x.set(table.x.subarray(row * columns, (row + 1) * columns), place * columns));
  const said = rows.map((_, place) => Math.log(evaluateClass(model, x, place * columns)));
  const scratch = new Float64Array(columns);
  const changes = Array.from({ length: columns }, (_, column) => {
    const dealt = random.shuffle(rows.map((_, place) => x[place * columns + column]!));
    let change = 0;
    rows.forEach((_, place) => {
      scratch.set(x.subarray(place * columns, (place + 1) * columns));
      if (scratch[column] === dealt[place]) return;
      scratch[column] = dealt[place]!;
      change += Math.abs(Math.log(evaluateClass(model, scratch, 0)) - said[place]!);
    });
    return change;
  });
  const total = changes.reduce((sum, change) => sum + change, 0);
  if (!(total > 0)) return [];
  return listColumns(table.kernel)
    .map(({ name, unit, reason }, column) => ({
      feature: name,
      unit,
      share: (100 * changes[column]!) / total,
      words: reason,
    }))
    .filter(({ share }) => share >= 100 * leastShare)
    .sort((a, b) => b.share - a.share);
}
