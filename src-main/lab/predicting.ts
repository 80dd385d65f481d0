import { parseScenario } from "../device/scenario.ts";
import { evaluateScenario } from "../evaluate/evaluate.ts";
import type { MeasuredNetwork } from "../predict/dataset.ts";
import { fitPredictor } from "../predict/predictor.ts";
import { encodePredictor } from "../predict/predictorFile.ts";
import { removePredictor, savePredictor } from "../store/predictors.ts";
import { countNoun, hostLane, laneOf, type LabContext } from "./context.ts";
import type {
  EvaluatedLearner,
  EvaluateRequest,
  Evaluation,
  FitRequest,
  PredictorSummary,
} from "./contract.ts";
import type { JobContext } from "./jobs.ts";
import { predictModels } from "./predictModels.ts";
import { PredictorShelf } from "./predictorShelf.ts";
import type { PredictorCalls } from "./predictorCalls.ts";
import { findDevice } from "./deviceCalls.ts";
import { findGpuName } from "./gpuName.ts";
import { checkModels, checkScenario, findBinary } from "./measurable.ts";
import { admitModels, createMeasuringRun } from "./runCalls.ts";
import { summarizeRun } from "./runSummary.ts";
import { checkChoice, checkMeasured, collectNetworks } from "./trainingNetworks.ts";
import { validateModels } from "./validateModels.ts";

/** The calls about predictors on their rooms. */
export function createPredicting(context: LabContext): PredictorCalls {
  const { store, jobs, library, publish } = context;
  const shelf = new PredictorShelf(context);

  return {
    predictors: async () => shelf.list(),
    predictor: async ({ predictor }) => shelf.describe(predictor),

    async removePredictor({ predictor }) {
      const removed = removePredictor(store, predictor);
      shelf.forget(predictor);
      if (removed > 0) publish({ type: "predictors" });
      return { removed };
    },

    async startFit(request) {
      checkChoice(request);
      checkMeasured(context, request.scenario);
      return jobs.start({
        kind: "fit",
        title: `Fit ${request.learner ?? "auto"} for ${request.scenario}`,
        lane: hostLane,
        work: (job) => fit(context, shelf, request, job),
      });
    },

    async predict({ models, scenario, ops, predictor }) {
      return predictModels(context, shelf.find(scenario, predictor), library.resolveAll(models), ops ?? true);
    },

    async startEvaluate(request) {
      checkMeasured(context, request.scenario);
      return jobs.start({
        kind: "evaluate",
        title: `Evaluate ${request.scenario}`,
        lane: hostLane,
        work: (job) => evaluate(context, request, job),
      });
    },

    async startValidate({ models: names, scenario, thoroughness }) {
      const predictor = shelf.find(scenario);
      const { device: id, precision } = parseScenario(scenario);
      const device = await findDevice(context, id);
      checkScenario(scenario, device);
      if (device.kind === "adb") findBinary(context, device);
      const models = await admitModels(context, names);
      await checkModels(context, models, device, precision);
      const run = createMeasuringRun(context, device, { scenarios: [scenario], thoroughness }, models);
      return jobs.start({
        kind: "validate",
        title: `Validate ${countNoun(models.length, "model")} on ${scenario}`,
        run,
        lane: laneOf(device),
        work: (job) => validateModels(context, { predictor, models, run }, job),
        onEnd: () => publish({ type: "run", run: summarizeRun(context, run) }),
      });
    },
  };
}

/** Where random choices start when nobody says. */
const defaultSeed = 1;
/** Random splits of an evaluation when nobody says: enough to see how much chance there is in one. */
const defaultSplits = 5;

async function fit(
  context: LabContext,
  shelf: PredictorShelf,
  request: FitRequest,
  { signal, onProgress }: JobContext,
): Promise<PredictorSummary> {
  const { scenario } = request;
  onProgress(0, 1, "reading the measured networks", null);
  const { networks, cells, withoutGraph } = await collectNetworks(context, scenario, request, signal);
  const skipped =
    withoutGraph > 0 ? `; ${countNoun(withoutGraph, "network")} without a graph not learnt from` : "";
  const seed = request.seed ?? defaultSeed;
  const learner = request.learner ?? "auto";
  const fitted = await fitPredictor({
    scenario,
    networks,
    gpu: findGpuName(context, scenario),
    learner,
    seed,
    signal,
    onProgress: (done, total, note) => onProgress(done, total, `${note}${skipped}`),
  });
  const id = savePredictor(context.store, {
    scenario,
    learner,
    rows: fitted.rows,
    models: fitted.trainedOn.length,
    seed,
    fitMs: fitted.fitMs,
    crossValidated: fitted.scores.crossValidated,
    baseline: fitted.scores.baseline,
    split: { over: "networks", seed, models: request.models ?? null, exclude: request.exclude ?? null },
    classes: fitted.scores.classes,
    points: fitted.scores.points,
    overheadMs: fitted.scores.overheadMs,
    blob: encodePredictor(fitted),
    trainingCells: fitted.trainedOn.flatMap((model) => cells.get(model) ?? []),
  });
  context.publish({ type: "predictors" });
  return shelf.summarize(id);
}

// What `auto` chooses among is fitted anyway; whole networks' times are learnt from in one way.
function usualLearners(networks: readonly MeasuredNetwork[]): EvaluatedLearner[] {
  if (networks.every(({ opTimes }) => opTimes.length === 0)) return ["auto", "flops"];
  return ["lasso", "forest", "boosting", "linear-boosting", "auto", "flops"];
}

async function evaluate(
  context: LabContext,
  request: EvaluateRequest,
  { signal, onProgress }: JobContext,
): Promise<Evaluation> {
  onProgress(0, 1, "reading the measured networks", null);
  const { networks } = await collectNetworks(context, request.scenario, {}, signal);
  return evaluateScenario({
    scenario: request.scenario,
    networks,
    gpu: findGpuName(context, request.scenario),
    protocol: request.protocol ?? "random",
    trainSizes: request.trainSizes ?? [],
    splits: request.splits ?? defaultSplits,
    learners: request.learners ?? usualLearners(networks),
    seed: request.seed ?? defaultSeed,
    signal,
    onProgress: (done, total, note) => onProgress(done, total, note),
  });
}
