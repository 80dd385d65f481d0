import type { LearnerChoice, LearnerName } from "../lab/contract.ts";
import { badRequest, scenarioUnsupported, tooLittleData } from "../lab/errors.ts";
import { parseScenario } from "../device/scenario.ts";
import { assembleCore } from "./assembly.ts";
import { buildDataset, type Dataset, type MeasuredNetwork } from "./dataset.ts";
import { runFitJobs } from "./fitPool.ts";
import { collectFits, planCrossValidation, planSet, type PlannedSet } from "./fitPlan.ts";
import type { FittedPredictor, PredictorCore, PredictorScores } from "./fittedPredictor.ts";
import { learnersOf } from "./learnerChoice.ts";
import { calibrate, describeScores, tryOnHeldOut, type HeldOut } from "./validation.ts";

// The door of the room: who fits, predicts or stores needs no other file.
export { predictNetwork } from "./networkPrediction.ts";
export { decodePredictor, encodePredictor, predictorFormat, UnreadablePredictor } from "./predictorFile.ts";
export type { FittedPredictor, NetworkPrediction } from "./fittedPredictor.ts";

/** What a predictor is to be fitted on. */
export interface FitPredictorRequest {
  scenario: string;
  networks: readonly MeasuredNetwork[];
  learner: LearnerChoice;
  seed: number;
  /** Threads; default all cores, 0 for none besides the caller's. The result is the same for any number. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

/** Fewer networks than this cannot be split for validation in any useful way. */
export const fewestNetworks = 6;

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
  const dataset = readDataset(scenario, request.networks);
  const learners = [...new Set(choices.flatMap(learnersOf))];
  const planned = planCrossValidation(dataset.networks.length, seed).map((set) =>
    planSet(dataset, set, learners, seed),
  );
  const fits = await fitSets(planned, request);
  const { runtime } = parseScenario(scenario);
  const fitted = choices.map((learner): Omit<FittedPredictor, "fitMs"> => {
    const cores = planned.map((set, place) => assembleCore(set.dataset, fits[place]!, learner, runtime));
    const heldOut: HeldOut[] = planned.flatMap(({ set }, place) => tryOnHeldOut(cores[place]!, dataset, set));
    const core = calibrate(cores.at(-1)!, heldOut, dataset);
    return {
      ...core,
      scenario,
      learner,
      seed,
      rows: dataset.tables.reduce((sum, table) => sum + table.ms.length, 0),
      trainedOn: dataset.networks.map((network) => network.model),
      cells: dataset.networks.flatMap((network) => network.cells),
      scores: describeScores(core, heldOut, dataset, planned),
    };
  });
  const fitMs = performance.now() - started;
  return fitted.map((predictor) => ({ ...predictor, fitMs }));
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
  sets: readonly { train: number[]; test: number[] }[],
  choices: readonly LearnerChoice[],
  request: Pick<FitPredictorRequest, "scenario" | "seed" | "workers" | "signal" | "onProgress">,
): Promise<FittedCore[][]> {
  const learners: LearnerName[] = [...new Set(choices.flatMap(learnersOf))];
  const planned = sets.map((set) => planSet(dataset, set, learners, request.seed));
  const fits = await fitSets(planned, request);
  const { runtime } = parseScenario(request.scenario);
  return planned.map((set, place) =>
    choices.map((learner) => ({
      learner,
      core: assembleCore(set.dataset, fits[place]!, learner, runtime),
    })),
  );
}

/** Checks a scenario and its measurements and turns them into tables. */
export function readDataset(scenario: string, networks: readonly MeasuredNetwork[]): Dataset {
  const { runtime } = parseScenario(scenario);
  if (runtime === "gpu-cl")
    throw scenarioUnsupported(scenario, "predictors for GPU kernels are not part of this version");
  for (const network of networks)
    if (!(network.latencyMs > 0) || !Number.isFinite(network.latencyMs))
      throw badRequest(
        `${network.model} was measured with a latency of ${network.latencyMs} ms`,
        "Leave the measurement out, or profile the network again.",
      );
  const timed = networks.filter((network) => network.opTimes.length > 0);
  const dataset = buildDataset(timed, runtime);
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

async function fitSets(
  planned: readonly PlannedSet[],
  request: Pick<FitPredictorRequest, "workers" | "signal" | "onProgress">,
) {
  const results = await runFitJobs<"class">(
    planned.flatMap((set) => set.jobs),
    {
      workers: request.workers,
      signal: request.signal,
      onDone: (done, total) =>
        request.onProgress?.(done, total, `${done} of ${total} kernel classes and folds fitted`),
    },
  );
  let start = 0;
  return planned.map((set) => {
    const fits = collectFits(set, results, start);
    start += set.jobs.length;
    return fits;
  });
}

/** What is known of a predictor besides its numbers: made of what, trained on what, how good. */
export function describePredictor(predictor: FittedPredictor): PredictorDescription {
  const { scenario, learner, seed, fitMs, rows, trainedOn, cells, scores } = predictor;
  return { scenario, learner, seed, fitMs, rows, trainedOn, cells, ...scores };
}

/** A predictor in words and scores. */
export type PredictorDescription = PredictorScores &
  Pick<FittedPredictor, "scenario" | "learner" | "seed" | "fitMs" | "rows" | "trainedOn" | "cells">;
