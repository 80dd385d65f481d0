import type { ClassModel } from "./classModel.ts";
import { measureRanges } from "./classModel.ts";
import { median } from "../model/median.ts";
import type { ClassTable } from "./dataset.ts";
import { listColumns } from "./featureColumns.ts";
import { bytesColumn, flopsColumn, relatedClasses } from "./features.ts";
import type { StandIn } from "./fittedPredictor.ts";
import { conformalQuantile } from "./interval.ts";
import { evaluateRoofline, fitRoofline, type Roofline } from "./roofline.ts";

/** From so many rows of so many networks on a learner is fitted; below, a line with three numbers is safer. */
export const enoughForLearner = { rows: 24, networks: 6 };
const enoughForLine = { rows: 6, networks: 3 };

/** A factor of 1.5 either way is the least one should allow for a kernel nobody measured. */
const leastSpread = Math.log(1.5);
/** The group under which all classes together stand. */
const everything = "all kernels";

/** Number of networks a table's rows come from. */
export function countNetworks(table: ClassTable): number {
  return new Set(table.network).size;
}

/** True when a class has enough rows for a learner. */
export function suffices(table: ClassTable): boolean {
  return table.ms.length >= enoughForLearner.rows && countNetworks(table) >= enoughForLearner.networks;
}

/** A line for each group of related classes that was measured, and last one for everything. */
export function fitStandIns(tables: readonly ClassTable[]): StandIn[] {
  const groups = new Map<string, ClassTable[]>();
  for (const table of tables) {
    const group = relatedClasses(table.kernel);
    groups.set(group, [...(groups.get(group) ?? []), table]);
  }
  groups.set(everything, [...tables]);
  return [...groups].map(([group, members]) => fitStandIn(group, members));
}

function fitStandIn(group: string, tables: readonly ClassTable[]): StandIn {
  // Classes have different features, but FLOPs and bytes stand first in all of them.
  const pairs: number[] = [];
  const ms: number[] = [];
  for (const table of tables)
    table.ms.forEach((time, row) => {
      const start = row * table.columns;
      pairs.push(table.x[start + flopsColumn]!, table.x[start + bytesColumn]!);
      ms.push(time);
    });
  const pooled = { columns: 2, x: Float64Array.from(pairs), ms: Float64Array.from(ms) };
  const roofline = fitRoofline(pooled);
  const errors = ms.map((time, row) => Math.log(evaluateRoofline(roofline, pooled.x, row * 2) / time));
  const spread = Math.max(conformalQuantile(errors), leastSpread);
  return { group, roofline, rows: ms.length, spread };
}

/** The model of a class with too few rows for a learner, with the reason in words. */
export function fitSimpleClass(table: ClassTable, standIns: readonly StandIn[]): ClassModel {
  const rows = table.ms.length;
  const networks = countNetworks(table);
  const have = `${rows} ${rows === 1 ? "row" : "rows"} of ${networks} ${networks === 1 ? "network" : "networks"}`;
  const own = rows >= enoughForLine.rows && networks >= enoughForLine.networks;
  const group = relatedClasses(table.kernel);
  const related = standIns.find((standIn) => standIn.group === group)!;
  const roofline = own ? fitRoofline(table) : scaleToRows(related.roofline, table);
  const errors = Array.from(table.ms, (ms, row) =>
    Math.log(evaluateRoofline(roofline, table.x, row * table.columns) / ms),
  );
  const spread = Math.max(conformalQuantile(errors), own ? 0.1 : related.spread);
  return {
    kernel: table.kernel,
    learner: "roofline",
    features: listColumns(table.kernel).map((feature) => feature.name),
    roofline,
    corrections: [],
    low: 0,
    high: 0,
    ...measureRanges(table),
    rows,
    networks,
    spread,
    fallback: own
      ? `${have} are too few for a learner: a constant, a time per FLOP and a time per byte`
      : `${have} are too few: time per FLOP and byte of ${related.rows} rows of ${group}, scaled to its own`,
  };
}

// The fewer rows, the less the class's own level counts against that of its relatives.
function scaleToRows(roofline: Roofline, table: ClassTable): Roofline {
  const ratios = Array.from(table.ms, (ms, row) =>
    Math.log(ms / evaluateRoofline(roofline, table.x, row * table.columns)),
  );
  const factor = Math.exp((median(ratios) * ratios.length) / (ratios.length + 1));
  return {
    constantMs: roofline.constantMs * factor,
    msPerFlop: roofline.msPerFlop * factor,
    msPerByte: roofline.msPerByte * factor,
  };
}
