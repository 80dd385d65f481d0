import { median } from "../model/median.ts";
import type { ClassTable, Dataset } from "./dataset.ts";
import { listColumns } from "./featureColumns.ts";
import { dealFolds } from "./folds.ts";
import { fitLassoCorrection } from "./lassoCorrection.ts";
import { evaluateRoofline, fitRoofline } from "./roofline.ts";
import { suffices } from "./standIn.ts";

/** What screening looks at; plain data that a worker can receive. */
export interface ScreeningTask {
  networks: { latencyMs: number; kernelMs: number; uncoveredMs: number }[];
  tables: ClassTable[];
  seed: number;
}

/** A network whose measurement is not fit to learn from, by its place, with the reason in words. */
export interface Disturbed {
  network: number;
  reason: string;
  /** How far off it is, as a logarithm. */
  shift: number;
}

/** Op times further than this beyond what their network's end-to-end time says were taken in a slower state of the device. */
const suspiciousRatio = Math.log(1.1);
/** Differences below this say nothing about small networks. */
const suspiciousMs = 0.3;
/** With fewer networks there is no saying what is usual. */
const fewestToScreen = 10;
/** When more are off than this share, it is not outliers one sees. */
const largestShare = 0.25;

/** The task of screening a data set. */
export function planScreening({ networks, tables }: Dataset, seed: number): ScreeningTask {
  return {
    networks: networks.map(({ latencyMs, kernelMs, uncoveredMs }) => ({ latencyMs, kernelMs, uncoveredMs })),
    tables: tables.filter(suffices),
    seed,
  };
}

/**
 * Finds networks that were measured while the device was in another state than usual, which a machine with neighbours or a hot
 * phone does unnoticed: either their op times add up to more than the end-to-end time of the other pass, or nearly all of
 * their kernels took longer than alike kernels of other networks by much the same factor. An unusual architecture does not look
 * like that: it has some unusual kernels. The worst first; never more than a quarter of the networks.
 */
export function findDisturbed(task: ScreeningTask): Disturbed[] {
  const { networks } = task;
  if (networks.length < fewestToScreen) return [];
  const passes = findPassMismatch(task);
  const known = new Set(passes.map(({ network }) => network));
  const slow = findSlowNetworks(task, known);
  return [...passes, ...slow]
    .sort((a, b) => b.shift - a.shift || a.network - b.network)
    .slice(0, Math.floor(networks.length * largestShare));
}

function findPassMismatch({ networks }: ScreeningTask): Disturbed[] {
  const ratios = networks.map(({ latencyMs, kernelMs, uncoveredMs }) =>
    kernelMs + uncoveredMs > 0 ? Math.log((kernelMs + uncoveredMs) / latencyMs) : NaN,
  );
  const usual = median(ratios.filter((ratio) => !Number.isNaN(ratio)));
  return ratios.flatMap((ratio, network) => {
    const { latencyMs, kernelMs, uncoveredMs } = networks[network]!;
    const shift = ratio - usual;
    const beyond = kernelMs + uncoveredMs - latencyMs * Math.exp(usual);
    if (!(shift > suspiciousRatio) || beyond < suspiciousMs) return [];
    const times = Math.exp(ratio).toFixed(2);
    return [
      {
        network,
        shift,
        reason: `its op times add up to ${times} × its end-to-end time: the device changed its state between the two passes`,
      },
    ];
  });
}

interface Residual {
  log: number;
  ms: number;
}

function findSlowNetworks(task: ScreeningTask, known: ReadonlySet<number>): Disturbed[] {
  const residuals = measureResiduals(task);
  const shifts = residuals.map((list) => weightedQuantile(list, 0.5));
  const usable = shifts.filter((shift, network) => !Number.isNaN(shift) && !known.has(network));
  if (usable.length === 0) return [];
  const centre = median(usable);
  const spread = 1.4826 * median(usable.map((shift) => Math.abs(shift - centre)));
  const limit = Math.max(0.12, 4 * spread);
  return shifts.flatMap((value, network) => {
    const shift = value - centre;
    if (known.has(network) || !(shift > limit)) return [];
    // Nearly all of its time must be slower, not the half that makes the median.
    if (!(weightedQuantile(residuals[network]!, 0.15) - centre > limit / 4)) return [];
    const times = Math.exp(shift).toFixed(2);
    return [
      {
        network,
        shift,
        reason: `its kernels took ${times} × as long as alike kernels of the other networks: the device was slower than usual`,
      },
    ];
  });
}

// A quick linear fit without products tells well enough what a kernel usually takes.
function measureResiduals({ networks, tables, seed }: ScreeningTask): Residual[][] {
  const folds = 5;
  const fold = dealFolds(networks.length, folds, seed);
  const residuals: Residual[][] = networks.map(() => []);
  for (const table of tables) {
    const line = fitRoofline(table);
    const y = table.ms.map((ms, row) => Math.log(ms / evaluateRoofline(line, table.x, row * table.columns)));
    const dealt = table.network.map((network) => fold[network]!);
    const { heldOut } = fitLassoCorrection(
      { columns: table.columns, x: table.x, y, network: table.network, fold: dealt, folds },
      listColumns(table.kernel),
      false,
    );
    y.forEach((value, row) =>
      residuals[table.network[row]!]!.push({ log: value - heldOut[row]!, ms: table.ms[row]! }),
    );
  }
  return residuals;
}

function weightedQuantile(residuals: readonly Residual[], share: number): number {
  const sorted = [...residuals].sort((a, b) => a.log - b.log);
  const total = sorted.reduce((sum, { ms }) => sum + ms, 0);
  let reached = 0;
  for (const { log, ms } of sorted) {
    reached += ms;
    if (reached >= share * total) return log;
  }
  return NaN;
}
