import type { ClassScores, PredictedPoint } from "../lab/contract.ts";
import { fitFlopsLine } from "./baseline.ts";
import { median } from "../model/median.ts";
import type { Dataset } from "./dataset.ts";
import type { TrainingSet } from "./fitPlan.ts";
import type { PredictorCore, PredictorScores } from "./fittedPredictor.ts";
import { evaluateGpuOverhead } from "./gpuOverhead.ts";
import { conformalQuantile } from "./interval.ts";
import { measureImportance } from "./importance.ts";
import { predictNetwork } from "./networkPrediction.ts";
import { evaluateOverhead } from "./overhead.ts";
import { scorePredictions } from "./scores.ts";

/** A network predicted by a fit that did not see it. */
export interface HeldOut {
  network: number;
  predictedMs: number;
  /** What is added to the spread where the network lies outside what was learnt from. */
  extra: number;
  /** Measured and predicted time of each of its kernels that was measured. */
  kernels: { kernel: string; measuredMs: number; predictedMs: number }[];
}

/** Predicts the test networks of a set from their graphs, as a user's would be. */
export function tryOnHeldOut(core: PredictorCore, dataset: Dataset, set: TrainingSet): HeldOut[] {
  const measured = new Map(set.test.map((network) => [network, new Map<number, number>()]));
  for (const table of dataset.tables)
    table.network.forEach((network, row) => measured.get(network)?.set(table.op[row]!, table.ms[row]!));
  return set.test.map((network) => {
    const prediction = predictNetwork(core, dataset.networks[network]!.graph);
    const times = measured.get(network)!;
    return {
      network,
      predictedMs: prediction.latencyMs,
      extra: prediction.latencyMs > 0 ? Math.log(prediction.highMs / prediction.latencyMs) - core.spread : 0,
      kernels: prediction.ops.flatMap((op) => {
        const measuredMs = times.get(op.index);
        return measuredMs === undefined ? [] : [{ kernel: op.kernel, measuredMs, predictedMs: op.ms }];
      }),
    };
  });
}

/** By how much a network's interval reaches above and below its prediction, as a factor. */
export function intervalFactor(core: PredictorCore, { extra }: HeldOut): number {
  return Math.exp(core.spread + extra);
}

/** Sets the intervals of a predictor from the errors of fits that did not see the networks. */
export function calibrate(core: PredictorCore, heldOut: readonly HeldOut[], dataset: Dataset): PredictorCore {
  const errors = heldOut.map(({ network, predictedMs }) =>
    Math.log(predictedMs / dataset.networks[network]!.latencyMs),
  );
  const byClass = groupByClass(heldOut);
  const classes = core.classes.map((model) => {
    const own = (byClass.get(model.kernel) ?? []).map((kernel) =>
      Math.log(kernel.predictedMs / kernel.measuredMs),
    );
    return own.length >= enoughErrors ? { ...model, spread: conformalQuantile(own) } : model;
  });
  return { ...core, classes, spread: conformalQuantile(errors) };
}

/** With fewer errors a class keeps the spread of its own fit. */
const enoughErrors = 9;

/** Cross-validated accuracy as it is shown to users. */
export function describeScores(
  core: PredictorCore,
  heldOut: readonly HeldOut[],
  dataset: Dataset,
  sets: readonly TrainingSet[],
  seed: number,
): PredictorScores {
  const points = [...heldOut]
    .sort((a, b) => a.network - b.network)
    .map((held): PredictedPoint => {
      const { network, predictedMs } = held;
      const { model, family, flops, latencyMs } = dataset.networks[network]!;
      const factor = intervalFactor(core, held);
      return {
        model,
        family,
        flops,
        measuredMs: latencyMs,
        predictedMs,
        lowMs: predictedMs / factor,
        highMs: predictedMs * factor,
      };
    });
  const kernels = median(dataset.networks.map((network) => network.kernels));
  const kernelMs = median(dataset.networks.map((network) => network.kernelMs));
  const overheads = dataset.networks.flatMap(({ gpuWork }) =>
    core.gpu && gpuWork ? [evaluateGpuOverhead(core.gpu.overhead, gpuWork)] : [],
  );
  return {
    classes: describeClasses(core, heldOut, dataset, seed),
    points,
    crossValidated: scorePredictions(points),
    baseline: scorePredictions(predictBaseline(dataset, sets)),
    overheadMs: core.gpu ? median(overheads) : evaluateOverhead(core.overhead, kernels, kernelMs),
  };
}

function describeClasses(
  core: PredictorCore,
  heldOut: readonly HeldOut[],
  dataset: Dataset,
  seed: number,
): ClassScores[] {
  const byClass = groupByClass(heldOut);
  const total = dataset.networks.reduce((sum, { kernelMs, uncoveredMs }) => sum + kernelMs + uncoveredMs, 0);
  const scores = dataset.tables.flatMap((table): ClassScores[] => {
    const model = core.classes.find((candidate) => candidate.kernel === table.kernel);
    // A class of which only networks that were left out have kernels is not in the predictor.
    if (!model) return [];
    const kernels = byClass.get(table.kernel) ?? [];
    const time = table.ms.reduce((sum, ms) => sum + ms, 0);
    const score = {
      kernel: table.kernel,
      rows: table.ms.length,
      learner: model.learner,
      medianApe: kernels.length >= enoughErrors ? scorePredictions(kernels).medianApe : null,
      timeShare: total > 0 ? (100 * time) / total : 0,
      fallback: model.fallback,
      importance: measureImportance(model, table, seed),
    };
    return [score];
  });
  return scores.sort((a, b) => b.timeShare - a.timeShare);
}

// The same folds: what the line is fitted on, the predictor was fitted on.
function predictBaseline(dataset: Dataset, sets: readonly TrainingSet[]) {
  return sets.flatMap((set) => {
    const line = fitFlopsLine(
      set.train.map((network) => {
        const { flops, latencyMs } = dataset.networks[network]!;
        return { flops, measuredMs: latencyMs };
      }),
    );
    return set.test.map((network) => {
      const { flops, latencyMs } = dataset.networks[network]!;
      return { measuredMs: latencyMs, predictedMs: line(flops) };
    });
  });
}

function groupByClass(heldOut: readonly HeldOut[]): Map<string, HeldOut["kernels"]> {
  const groups = new Map<string, HeldOut["kernels"]>();
  for (const { kernels } of heldOut)
    for (const kernel of kernels) {
      const group = groups.get(kernel.kernel);
      if (group) group.push(kernel);
      else groups.set(kernel.kernel, [kernel]);
    }
  return groups;
}
