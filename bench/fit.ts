import { pathToFileURL } from "node:url";
import type { BoostingOptions } from "../src-main/predict/boosting.ts";
import { runFitJobs } from "../src-main/predict/fitPool.ts";
import { runFitJob } from "../src-main/predict/fitJob.ts";
import { makeBoostingTable, tableColumns as features } from "./boostingTable.ts";

/** Figures of the fitting benchmark. */
export interface FitFigures {
  rows: number;
  features: number;
  trees: number;
  /** One table with all rows, in one thread. */
  oneTableSeconds: number;
  /** The same rows as eight kernel classes, in worker threads. */
  classesSeconds: number;
  workers: number;
  /** Rows a second through all trees, of the slower of the two. */
  rowsPerSecond: number;
  /** Resident memory of the process after both. */
  rssMegabytes: number;
}

const rows = 60_000;
const options: BoostingOptions = {
  trees: 300,
  learningRate: 0.1,
  maxLeaves: 31,
  minLeaf: 20,
  l2: 1,
  rowShare: 1,
  columnShare: 1,
  bins: 255,
  patience: 0,
  seed: 1,
};

/** Boosts 300 trees on 60,000 op rows of 12 features: as one table, and as eight classes on two workers. */
export async function benchFit(): Promise<FitFigures> {
  const table = makeBoostingTable(rows, 1);
  const workers = 2;
  const oneTableSeconds = await time(() => Promise.resolve(runFitJob({ kind: "boosting", table, options })));
  const classes = Array.from({ length: 8 }, (_, index) => makeBoostingTable(rows / 8, index + 2));
  const classesSeconds = await time(() =>
    runFitJobs<"boosting">(
      classes.map((part) => ({ kind: "boosting", table: part, options })),
      { workers },
    ),
  );
  return {
    rows,
    features,
    trees: options.trees,
    oneTableSeconds,
    classesSeconds,
    workers,
    rowsPerSecond: rows / Math.max(oneTableSeconds, classesSeconds),
    rssMegabytes: process.memoryUsage().rss / 1e6,
  };
}

/** The figures in a few lines. */
export function formatFitFigures(figures: FitFigures): string {
  const { oneTableSeconds, classesSeconds, workers } = figures;
  return [
    `fit: ${figures.rows} op rows × ${figures.features} features, ${figures.trees} boosted trees`,
    `  one table, one thread        ${oneTableSeconds.toFixed(2)} s (${Math.round(figures.rows / oneTableSeconds)} rows/s)`,
    `  eight classes, ${workers} workers      ${classesSeconds.toFixed(2)} s (${Math.round(figures.rows / classesSeconds)} rows/s)`,
    `  resident memory              ${figures.rssMegabytes.toFixed(0)} MB`,
  ].join("\n");
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  console.log(formatFitFigures(await benchFit()));
