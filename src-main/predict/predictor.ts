import type { LearnerChoice } from "../lab/contract.ts";
import { badRequest, scenarioUnsupported, tooLittleData } from "../lab/errors.ts";
import { parseScenario } from "../device/scenario.ts";
import type { GpuRuleSet } from "../kernels/gpuRules.ts";
import { assembleCore } from "./assembly.ts";
import { buildDataset, type Dataset, type MeasuredNetwork } from "./dataset.ts";
import { buildGpuDataset } from "./gpuDataset.ts";
import { fitEndToEnd, isEndToEndOnly } from "./endToEndFit.ts";
import { fitSets, planCrossValidation, type FittedSet, type TrainingSet } from "./fitPlan.ts";
import { FitPool } from "./fitPool.ts";
import type { FittedPredictor, PredictorCore, PredictorScores } from "./fittedPredictor.ts";
import { fewestNetworks } from "./folds.ts";
import { learnersOf } from "./learnerChoice.ts";
import { calibrate, describeScores, tryOnHeldOut } from "./validation.ts";

// The door of the room: who fits, predicts or stores needs no other file.
export { fewestNetworks } from "./folds.ts";
export { predictNetwork } from "./networkPrediction.ts";
export { decodePredictor, encodePredictor, predictorFormat, UnreadablePredictor } from "./predictorFile.ts";
export type { FittedPredictor, NetworkPrediction } from "./fittedPredictor.ts";

/** What a predictor is to be fitted on. */
export interface FitPredictorRequest {
  scenario: string;
  networks: readonly MeasuredNetwork[];
  /** The GPU of a `gpu-cl` scenario, as its driver names it. */
  gpu?: string | null | undefined;
  learner: LearnerChoice;
  seed: number;
  /** Threads; default all cores, 0 for none besides the caller's. The result is the same for any number. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

/**
 * Fits one regressor a kernel class and the overhead between kernels, and tries the whole procedure on networks held out.
 * Rejects with `too-little-data`, `scenario-unsupported` or `cancelled`.
 */
export async function fitPredictor(request: FitPredictorRequest): Promise<FittedPredictor> {
  const [predictor] = await fitPredictors(request, [request.learner]);
  return predictor!;
}

/** Fits several choices of learner at once: what they share is fitted once. */
export async function fitPredictors(
  request: FitPredictorRequest,
  choices: readonly LearnerChoice[],
): Promise<FittedPredictor[]> {
  const started = performance.now();
  const { scenario, seed } = request;
  const { runtime } = parseScenario(scenario);
  if (isEndToEndOnly(request, choices)) {
    const fitted = await fitEndToEnd(request);
    return choices.map(() => fitted);
  }
  const dataset = readDataset(scenario, request.networks, request.gpu ?? null);
  const sets = planCrossValidation(dataset.networks.length, seed);
  const fitted = await fitAll(dataset, sets, choices, request);
  const last = fitted.at(-1)!;
  const predictors = choices.map((learner): Omit<FittedPredictor, "fitMs"> => {
    const cores = fitted.map((set) => assembleCore(set.dataset, set.fits, learner, runtime));
    const heldOut = fitted.flatMap(({ set }, place) => tryOnHeldOut(cores[place]!, dataset, set));
    const core = calibrate(cores.at(-1)!, heldOut, dataset);
    return {
      ...core,
      scenario,
      learner,
      seed,
      rows: last.dataset.tables.reduce((sum, table) => sum + table.ms.length, 0),
      trainedOn: last.dataset.networks.map((network) => network.model),
      leftOut: last.leftOut,
      cells: last.dataset.networks.flatMap((network) => network.cells),
      scores: describeScores(core, heldOut, dataset, sets, seed),
    };
  });
  const fitMs = performance.now() - started;
  return predictors.map((predictor) => ({ ...predictor, fitMs }));
}

/** A predictor without validation of its own, for evaluations that bring their test networks. */
export interface FittedCore {
  learner: LearnerChoice;
  core: PredictorCore;
}

/**
 * Fits several training sets of a data set and gives for each the cores of all choices, calibrated on the held-out errors of
 * its own choice of hyper-parameters. Which networks a set tests on is not looked at.
 */
export async function fitTrainingSets(
  dataset: Dataset,
  sets: readonly TrainingSet[],
  choices: readonly LearnerChoice[],
  request: Pick<FitPredictorRequest, "scenario" | "seed" | "workers" | "signal" | "onProgress">,
): Promise<FittedCore[][]> {
  const { runtime } = parseScenario(request.scenario);
  const fitted = await fitAll(dataset, sets, choices, request);
  return fitted.map((set) =>
    choices.map((learner) => ({
      learner,
      core: assembleCore(set.dataset, set.fits, learner, runtime),
    })),
  );
}

async function fitAll(
  dataset: Dataset,
  sets: readonly TrainingSet[],
  choices: readonly LearnerChoice[],
  { seed, workers, signal, onProgress }: Omit<FitPredictorRequest, "networks" | "learner" | "scenario">,
): Promise<FittedSet[]> {
  const learners = [...new Set(choices.flatMap(learnersOf))];
  const pool = new FitPool({ workers, signal });
  try {
    return await fitSets(pool, dataset, sets, learners, seed, (done, total) =>
      onProgress?.(done, total, `${done} of ${total} kernel classes and folds fitted`),
    );
  } finally {
    await pool.close();
  }
}

/** Checks a scenario and its measurements and turns them into tables. */
export function readDataset(
  scenario: string,
  networks: readonly MeasuredNetwork[],
  gpu: string | null = null,
): Dataset {
  const { runtime, precision } = parseScenario(scenario);
  if (runtime === "gpu-cl" && gpu === null)
    throw scenarioUnsupported(
      scenario,
      "the name of the device's GPU, which its kernels depend on, is not known",
    );
  for (const network of networks)
    if (!(network.latencyMs > 0) || !Number.isFinite(network.latencyMs))
      throw badRequest(
        `${network.model} was measured with a latency of ${network.latencyMs} ms`,
        "Leave the measurement out, or profile the network again.",
      );
  const timed = networks.filter((network) =>
    runtime === "gpu-cl" ? (network.kernelTimes ?? []).length > 0 : network.opTimes.length > 0,
  );
  const dataset =
    runtime === "gpu-cl" && gpu !== null
      ? buildGpuDataset(timed, {
          gpu,
          rules: tellRules(timed),
          precision: precision === "float32" ? precision : "float16",
        })
      : buildDataset(timed, runtime);
  if (dataset.networks.length < fewestNetworks)
    throw tooLittleData(
      networks.length > timed.length
        ? `Fitting on ${scenario} needs times of single ops, which ${networks.length - timed.length} of its cells lack`
        : `Fitting on ${scenario}`,
      dataset.networks.length,
      fewestNetworks,
    );
  return dataset;
}

// Newer versions of the delegate join the names of what they fuse by arrows. What tells no names is read by the older rules.
function tellRules(networks: readonly MeasuredNetwork[]): GpuRuleSet {
  const joined = networks.some(({ kernelTimes = [] }) =>
    kernelTimes.some(({ name }) => name.includes(" -> ")),
  );
  return joined ? "litert-2026" : "tflite-2.10";
}

/** What is known of a predictor besides its numbers: made of what, trained on what, how good. */
export function describePredictor(predictor: FittedPredictor): PredictorDescription {
  const { scenario, learner, seed, fitMs, rows, trainedOn, leftOut, cells, scores } = predictor;
  return { scenario, learner, seed, fitMs, rows, trainedOn, leftOut, cells, ...scores };
}

/** A predictor in words and scores. */
export type PredictorDescription = PredictorScores &
  Pick<
    FittedPredictor,
    "scenario" | "learner" | "seed" | "fitMs" | "rows" | "trainedOn" | "leftOut" | "cells"
  >;
