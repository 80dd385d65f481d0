import type {
  EvaluatedLearner,
  Evaluation,
  EvaluationRow,
  LearnerChoice,
  Protocol,
} from "../lab/contract.ts";
import { badRequest } from "../lab/errors.ts";
import { fitFlopsLine } from "../predict/baseline.ts";
import type { Dataset, MeasuredNetwork } from "../predict/dataset.ts";
import { conformalQuantile, studentQuantile } from "../predict/interval.ts";
import { fitWholeNetworks, isEndToEndOnly, readWholeNetworks } from "../predict/endToEndFit.ts";
import type { EndToEndResult } from "../predict/endToEndTask.ts";
import { fewestNetworks, fitTrainingSets, readDataset, type FittedCore } from "../predict/predictor.ts";
import { intervalFactor, tryOnHeldOut } from "../predict/validation.ts";
import { describeOutlook } from "./learningCurve.ts";
import { scoreIntervals, scoreKernels, scorePredictions } from "./metrics.ts";
import { planSplits, type Split } from "./splits.ts";

/** What to evaluate and how. */
export interface EvaluateScenarioRequest {
  scenario: string;
  networks: readonly MeasuredNetwork[];
  /** The GPU of a `gpu-cl` scenario, as its driver names it. */
  gpu?: string | null | undefined;
  protocol: Protocol;
  /** Empty for the protocol's usual size. */
  trainSizes: readonly number[];
  /** Random splits of each size; `family` has one for each family. */
  splits: number;
  seed: number;
  learners: readonly EvaluatedLearner[];
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

type Prediction = Evaluation["predictions"][number];

/** A learner tried on the test networks of one split. */
interface Trial {
  learner: EvaluatedLearner;
  split: Split;
  points: Prediction[];
  kernels: { kernel: string; measuredMs: number; predictedMs: number }[];
}

/**
 * Fits every learner on every split's training networks, hyper-parameters included, and scores it on the others. Rejects
 * with `too-little-data`, `bad-request` or `cancelled`.
 */
export async function evaluateScenario(request: EvaluateScenarioRequest): Promise<Evaluation> {
  if (request.learners.length === 0)
    throw badRequest("No learner is to be evaluated", "Name one, e.g. --learner auto.");
  const choices = [...new Set(request.learners)].filter((learner) => learner !== "flops");
  const whole = isEndToEndOnly(request, choices);
  const dataset = whole
    ? readWholeNetworks(request)
    : readDataset(request.scenario, request.networks, request.gpu ?? null);
  const families = dataset.networks.map((network) => network.family);
  const splits = planSplits({ ...request, families });
  const small = splits.find((split) => split.train.length < fewestNetworks);
  if (small)
    throw badRequest(
      `${small.train.length} training networks are too few for a predictor`,
      `Give training sizes of ${fewestNetworks} or more.`,
    );
  const ours =
    choices.length === 0
      ? []
      : whole
        ? tryWhole(dataset, splits, await fitWholeNetworks(request, dataset, splits))
        : tryCores(dataset, splits, await fitTrainingSets(dataset, splits, choices, request));
  const lines = request.learners.includes("flops") ? splits.map((split) => tryLine(dataset, split)) : [];
  const trials = [...ours, ...lines].sort((a, b) => splits.indexOf(a.split) - splits.indexOf(b.split));
  const rows = summarise(trials, request.protocol);
  return {
    scenario: request.scenario,
    rows,
    predictions: trials.flatMap((trial) => trial.points),
    classes: summariseClasses(trials),
    outlook: findOutlook(rows, dataset.networks.length),
  };
}

function tryCores(dataset: Dataset, splits: readonly Split[], fitted: readonly FittedCore[][]): Trial[] {
  return splits.flatMap((split, place) => fitted[place]!.map((fit) => tryCore(dataset, split, fit)));
}

// Deviations are predicted, not calibrated by further fits.
function tryWhole(dataset: Dataset, splits: readonly Split[], results: readonly EndToEndResult[]): Trial[] {
  return splits.map((split, place) => {
    const { predictedMs, deviations } = results[place]!;
    const points = split.test.map((network, index) => {
      const factor = Math.exp(studentQuantile * (deviations?.[index] ?? 0));
      return describePoint(dataset, network, predictedMs[index]!, factor, "auto", split);
    });
    return { learner: "auto", split, points, kernels: [] };
  });
}

function tryCore(dataset: Dataset, split: Split, { learner, core }: FittedCore): Trial {
  const heldOut = tryOnHeldOut(core, dataset, split);
  return {
    learner,
    split,
    kernels: heldOut.flatMap(({ kernels }) => kernels),
    points: heldOut.map((held) =>
      describePoint(dataset, held.network, held.predictedMs, intervalFactor(core, held), learner, split),
    ),
  };
}

function tryLine(dataset: Dataset, split: Split): Trial {
  const training = split.train.map((network) => {
    const { flops, latencyMs } = dataset.networks[network]!;
    return { flops, measuredMs: latencyMs };
  });
  const line = fitFlopsLine(training);
  // A line through many points is hardly moved by one: its errors on them are its errors.
  const errors = training.map(({ flops, measuredMs }) => Math.log(Math.max(line(flops), 1e-6) / measuredMs));
  const factor = Math.exp(conformalQuantile(errors));
  const points = split.test.map((network) =>
    describePoint(dataset, network, line(dataset.networks[network]!.flops), factor, "flops", split),
  );
  return { learner: "flops", split, points, kernels: [] };
}

function describePoint(
  dataset: Dataset,
  network: number,
  predictedMs: number,
  factor: number,
  learner: EvaluatedLearner,
  { trainSize, split }: Split,
): Prediction {
  const { model, family, flops, latencyMs } = dataset.networks[network]!;
  const lowMs = predictedMs / factor;
  const highMs = predictedMs * factor;
  return {
    model,
    family,
    flops,
    measuredMs: latencyMs,
    predictedMs,
    lowMs,
    highMs,
    learner,
    trainSize,
    split,
  };
}

function summarise(trials: readonly Trial[], protocol: Protocol): EvaluationRow[] {
  return [...groupBy(trials, ({ learner, split }) => `${learner} ${split.trainSize}`).values()].map(
    (group): EvaluationRow => {
      const { learner, split } = group[0]!;
      const splits = new Set(group.map((trial) => trial.split.split)).size;
      const points = group.flatMap((trial) => trial.points);
      const intervals = points.map((point) => ({ ...point, factor: point.highMs / point.predictedMs }));
      return {
        ...{ learner, protocol, trainSize: split.trainSize, splits },
        ...scorePredictions(points),
        ...scoreIntervals(intervals),
      };
    },
  );
}

function summariseClasses(trials: readonly Trial[]): Evaluation["classes"] {
  // At the largest size: what one has when all is used.
  const largest = Math.max(...trials.map(({ split }) => split.trainSize));
  const last = trials.filter(({ split }) => split.trainSize === largest);
  return [...groupBy(last, ({ learner }) => learner)].flatMap(([learner, group]) =>
    [...scoreKernels(group.flatMap((trial) => trial.kernels))].map(([kernel, scores]) => ({
      learner: learner as LearnerChoice,
      kernel,
      ...scores,
    })),
  );
}

function findOutlook(rows: readonly EvaluationRow[], networks: number): string | null {
  const ours = rows.filter((row) => row.learner !== "flops");
  if (ours.length === 0) return null;
  const largest = Math.max(...ours.map((row) => row.trainSize));
  const best = ours.filter((row) => row.trainSize === largest).reduce((a, b) => (b.mape < a.mape ? b : a));
  return describeOutlook(
    ours.filter((row) => row.learner === best.learner),
    networks,
  );
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
