import { meanOf } from "../model/mean.ts";
import type { IntervalScores } from "../lab/contract.ts";
import { scoreIntervals, scorePredictions } from "../predict/scores.ts";
import type { AccuracyPoint, AccuracyTrial } from "./accuracyTrial.ts";
import { findCoarseFamily } from "./coarseFamilies.ts";

/** Accuracy of predictions, errors and shares in percent. */
export interface AccuracyScores extends IntervalScores {
  mape: number;
  medianApe: number;
  within5: number;
  within10: number;
  /** Rank correlation; null below three predictions. */
  spearman: number | null;
  /** Error when every kernel's true time is known and the overhead alone is fitted; null where kernels were not timed. */
  oracleMape: number | null;
  /** How far the prediction lies from the oracle's, in percent of what was measured: what the kernels' errors add up to. */
  kernelMape: number | null;
}

type TrialKey = Pick<AccuracyTrial, "kind" | "learner" | "protocol">;

/**
 * A learner on one scenario at one training size. All splits are pooled, so that each prediction weighs the same; `seeds` is
 * the number of splits (for the family protocols one a family and seed).
 */
export interface AccuracyRow extends TrialKey, AccuracyScores {
  scenario: string;
  trainSize: number;
  seeds: number;
  predictions: number;
}

/** Mean of a learner's rows over the scenarios of one kind; each scenario weighs the same. */
export interface AccuracyMean extends TrialKey, AccuracyScores {
  /** A training size, or the largest of every scenario. */
  size: number | "largest";
  /** Training sizes the rows have. */
  trainSizes: { least: number; most: number };
  scenarios: number;
}

/** Error of a learner on networks of one coarse family, over all scenarios of a kind at the largest training size. */
export interface FamilyError extends TrialKey {
  family: string;
  networks: number;
  predictions: number;
  mape: number;
  /** Mean of (predicted − measured) ÷ measured, in percent. */
  bias: number;
}

/** Error of a learner on single kernels of a class, over all scenarios at the largest training size of `random`. */
export interface ClassError {
  learner: string;
  kernel: string;
  rows: number;
  mape: number;
  medianApe: number;
  /** (Sum of predicted − sum of measured) ÷ sum of measured, in percent. */
  bias: number;
  /** Of the measured time of all kernels, in percent. */
  share: number;
}

/** All that is told of the trials of two studies. */
export interface AccuracyTable {
  rows: AccuracyRow[];
  means: AccuracyMean[];
  families: FamilyError[];
  classes: ClassError[];
}

/** Summarises trials, in the order in which scenarios and learners first appear. */
export function tabulateAccuracy(trials: readonly AccuracyTrial[]): AccuracyTable {
  const rows = tabulateRows(trials);
  const largest = findLargest(rows);
  const atLargest = trials.filter((trial) => largest.get(nameSeries(trial)) === trial.trainSize);
  return {
    rows,
    means: averageRows(rows, largest),
    families: scoreFamilies(atLargest),
    classes: scoreClasses(atLargest.filter(({ protocol }) => protocol === "random")),
  };
}

const protocols = ["random", "family", "coarse-family"] as const;

function tabulateRows(trials: readonly AccuracyTrial[]): AccuracyRow[] {
  const groups = groupBy(trials, (trial) => `${nameSeries(trial)}\n${trial.trainSize}`);
  const rows = [...groups].map((group): AccuracyRow => {
    const { scenario, kind, learner, protocol, trainSize } = group[0]!;
    const points = group.flatMap((trial) => trial.points);
    const seeds = new Set(group.map(({ split }) => split)).size;
    return {
      ...{ scenario, kind, learner, protocol, trainSize, seeds },
      predictions: points.length,
      ...scorePoints(points),
    };
  });
  const order = (keys: string[]) => new Map([...new Set(keys)].map((key, place) => [key, place]));
  const scenarios = order(rows.map(({ scenario }) => scenario));
  const learners = order(rows.map(({ learner }) => learner));
  return rows.sort(
    (a, b) =>
      scenarios.get(a.scenario)! - scenarios.get(b.scenario)! ||
      learners.get(a.learner)! - learners.get(b.learner)! ||
      protocols.indexOf(a.protocol) - protocols.indexOf(b.protocol) ||
      a.trainSize - b.trainSize,
  );
}

/** Scores predictions and, where all of them have one, their oracle. */
export function scorePoints(points: readonly AccuracyPoint[]): AccuracyScores {
  const { mape, medianApe, within5, within10, spearman } = scorePredictions(points);
  const known = points.flatMap(({ measuredMs, predictedMs, oracleMs }) =>
    oracleMs === null ? [] : [{ measuredMs, predictedMs, oracleMs }],
  );
  const complete = known.length === points.length && points.length > 0;
  const oracleMape = complete
    ? scorePredictions(known.map((point) => ({ ...point, predictedMs: point.oracleMs }))).mape
    : null;
  const apart = known.filter(({ measuredMs }) => measuredMs > 0);
  const kernelMape = complete
    ? 100 *
      meanOf(
        apart.map(({ measuredMs, predictedMs, oracleMs }) => Math.abs(predictedMs - oracleMs) / measuredMs),
      )
    : null;
  const intervals = points.flatMap(({ measuredMs, predictedMs, factor }) =>
    factor === null ? [] : [{ measuredMs, predictedMs, factor }],
  );
  return {
    ...{ mape, medianApe, within5, within10, spearman, oracleMape, kernelMape },
    ...scoreIntervals(intervals.length === points.length ? intervals : []),
  };
}

/** The largest training size of every scenario, learner and protocol. */
function findLargest(rows: readonly AccuracyRow[]): Map<string, number> {
  const largest = new Map<string, number>();
  for (const row of rows) {
    const name = nameSeries(row);
    largest.set(name, Math.max(row.trainSize, largest.get(name) ?? 0));
  }
  return largest;
}

function averageRows(rows: readonly AccuracyRow[], largest: ReadonlyMap<string, number>): AccuracyMean[] {
  const named = rows.flatMap((row) => {
    const isLargest = largest.get(nameSeries(row)) === row.trainSize;
    const sizes: AccuracyMean["size"][] = row.protocol === "random" ? [row.trainSize] : [];
    return [...sizes, ...(isLargest ? (["largest"] as const) : [])].map((size) => ({ size, row }));
  });
  const groups = groupBy(
    named,
    ({ size, row: { kind, learner, protocol } }) => `${kind}\n${learner}\n${protocol}\n${size}`,
  );
  return [...groups].map((group): AccuracyMean => {
    const { size } = group[0]!;
    const { kind, learner, protocol } = group[0]!.row;
    const of = group.map(({ row }) => row);
    const sizes = of.map(({ trainSize }) => trainSize);
    return {
      ...{ kind, learner, protocol, size },
      trainSizes: { least: Math.min(...sizes), most: Math.max(...sizes) },
      scenarios: of.length,
      mape: meanOf(of.map(({ mape }) => mape)),
      medianApe: meanOf(of.map(({ medianApe }) => medianApe)),
      within5: meanOf(of.map(({ within5 }) => within5)),
      within10: meanOf(of.map(({ within10 }) => within10)),
      spearman: meanOfKnown(of.map(({ spearman }) => spearman)),
      oracleMape: meanOfKnown(of.map(({ oracleMape }) => oracleMape)),
      kernelMape: meanOfKnown(of.map(({ kernelMape }) => kernelMape)),
      inside: meanOfKnown(of.map(({ inside }) => inside)),
      halfWidth: meanOfKnown(of.map(({ halfWidth }) => halfWidth)),
    };
  });
}

function scoreFamilies(trials: readonly AccuracyTrial[]): FamilyError[] {
  const named = trials.flatMap(({ kind, learner, protocol, points }) =>
    points.map((point) => ({ kind, learner, protocol, family: findCoarseFamily(point.family), point })),
  );
  const groups = groupBy(
    named,
    ({ kind, learner, protocol, family }) => `${kind}\n${learner}\n${protocol}\n${family}`,
  );
  return [...groups].map((group): FamilyError => {
    const { kind, learner, protocol, family } = group[0]!;
    const points = group.map(({ point }) => point).filter(({ measuredMs }) => measuredMs > 0);
    return {
      ...{ kind, learner, protocol, family },
      networks: new Set(points.map(({ network }) => network)).size,
      predictions: points.length,
      mape: scorePredictions(points).mape,
      bias:
        100 * meanOf(points.map(({ measuredMs, predictedMs }) => (predictedMs - measuredMs) / measuredMs)),
    };
  });
}

function scoreClasses(trials: readonly AccuracyTrial[]): ClassError[] {
  return [...groupBy(trials, ({ learner }) => learner)].flatMap((group) => {
    const kernels = group.flatMap((trial) => trial.kernels);
    const all = sumOf(kernels.map(({ measuredMs }) => measuredMs));
    const classes = [...groupBy(kernels, ({ kernel }) => kernel)].map((points): ClassError => {
      const { models: rows, mape, medianApe } = scorePredictions(points);
      const measured = sumOf(points.map(({ measuredMs }) => measuredMs));
      const predicted = sumOf(points.map(({ predictedMs }) => predictedMs));
      return {
        learner: group[0]!.learner,
        kernel: points[0]!.kernel,
        ...{ rows, mape, medianApe },
        bias: (100 * (predicted - measured)) / measured,
        share: (100 * measured) / all,
      };
    });
    return classes.sort((a, b) => b.share - a.share);
  });
}

function nameSeries({ scenario, learner, protocol }: Pick<AccuracyRow, "scenario"> & TrialKey): string {
  return `${scenario}\n${learner}\n${protocol}`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Iterable<T[]> {
  return Map.groupBy(items, key).values();
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : meanOf(known);
}
