import { parseScenario } from "../device/scenario.ts";
import type { ClassScores, LearnerChoice, PredictedPoint } from "../lab/contract.ts";
import { badRequest, tooLittleData } from "../lab/errors.ts";
import { sumClasses } from "./additiveRates.ts";
import { buildDataset, type Dataset } from "./dataset.ts";
import type { EndToEndModel } from "./endToEndModel.ts";
import { predictEndToEnd } from "./endToEndPrediction.ts";
import type { EndToEndLearner, EndToEndResult, EndToEndTask } from "./endToEndTask.ts";
import { planCrossValidation, type TrainingSet } from "./fitPlan.ts";
import { FitPool } from "./fitPool.ts";
import type { FittedPredictor } from "./fittedPredictor.ts";
import { fewestNetworks } from "./folds.ts";
import { conformalQuantile, studentQuantile } from "./interval.ts";
import type { FitPredictorRequest } from "./predictor.ts";
import { scorePredictions } from "./scores.ts";
import { compileWork } from "./workDesign.ts";
import { countThreads, listWork, type NetworkWork } from "./workTerms.ts";

/** True when a scenario has whole networks' times only and the learner is left to the lab. */
export function isEndToEndOnly(
  { scenario, networks }: Pick<FitPredictorRequest, "scenario" | "networks">,
  choices: readonly LearnerChoice[],
): boolean {
  const { runtime } = parseScenario(scenario);
  return (
    (runtime === "tflite" || runtime === "xnnpack") &&
    networks.length > 0 &&
    networks.every(({ opTimes }) => opTimes.length === 0) &&
    choices.every((choice) => choice === "auto")
  );
}

/**
 * Fits rates of work on end-to-end times alone and tries the fit on networks held out. Rejects with `too-little-data`,
 * `bad-request` or `cancelled`.
 */
export async function fitEndToEnd(request: FitPredictorRequest): Promise<FittedPredictor> {
  const started = performance.now();
  const { scenario, seed, learner } = request;
  const { runtime, precision, cores } = parseScenario(scenario);
  const dataset = readWholeNetworks(request);
  const { networks } = dataset;
  const works = networks.map(({ graph }) => listWork(graph, precision, runtime));
  const threads = countThreads(cores);
  const sets = planCrossValidation(networks.length, seed);
  const task = describeTask(works, threads, dataset);
  const [rated, lines] = await fitSets(request, task, sets, ["end-to-end", "flops"]);
  const last = rated!.at(-1)!;
  const model: EndToEndModel = {
    precision,
    threads,
    rates: last.rates!,
    classes: [...new Set(works.flatMap(({ kernels }) => kernels.map(({ kernel }) => kernel)))].sort(),
    // Networks held out at random have relatives among the others, a new architecture may have none: what they surprise by
    // may widen intervals, never narrow them.
    spread: Math.max(studentQuantile, conformalQuantile(listSurprises(rated!, sets, task.ms))),
  };
  const points = listPoints(rated!, sets, networks, model.spread);
  const core = {
    runtime,
    classes: [],
    standIns: [],
    overhead: { constantMs: 0, perKernelMs: 0, share: 0 },
    gpu: null,
    endToEnd: model,
    spread: conformalQuantile(points.map((point) => Math.log(point.predictedMs / point.measuredMs))),
  };
  return {
    ...core,
    scenario,
    learner,
    seed,
    fitMs: performance.now() - started,
    rows: 0,
    trainedOn: networks.map((network) => network.model),
    leftOut: [],
    cells: networks.flatMap((network) => network.cells),
    scores: {
      classes: describeClasses(core, model, networks),
      points,
      crossValidated: scorePredictions(points),
      baseline: scorePredictions(listPoints(lines!, sets, networks, 0)),
      overheadMs: 0,
    },
  };
}

/** Networks of a scenario without op times; rejects with `too-little-data` or `bad-request`. */
export function readWholeNetworks({
  scenario,
  networks,
}: Pick<FitPredictorRequest, "scenario" | "networks">): Dataset {
  for (const { model, latencyMs } of networks)
    if (!(latencyMs > 0) || !Number.isFinite(latencyMs))
      throw badRequest(
        `${model} was measured with a latency of ${latencyMs} ms`,
        "Leave the measurement out, or profile the network again.",
      );
  const dataset = buildDataset(networks, parseScenario(scenario).runtime);
  if (dataset.networks.length < fewestNetworks)
    throw tooLittleData(`Fitting on ${scenario}`, dataset.networks.length, fewestNetworks);
  return dataset;
}

/** Fits each set's training networks alone and predicts its test networks. Rejects with `cancelled`. */
export async function fitWholeNetworks(
  request: SetRequest,
  dataset: Dataset,
  sets: readonly TrainingSet[],
): Promise<EndToEndResult[]> {
  const { runtime, precision, cores } = parseScenario(request.scenario);
  const works = dataset.networks.map(({ graph }) => listWork(graph, precision, runtime));
  const [rated] = await fitSets(request, describeTask(works, countThreads(cores), dataset), sets, [
    "end-to-end",
  ]);
  return rated!;
}

type SetRequest = Pick<FitPredictorRequest, "scenario" | "workers" | "signal" | "onProgress">;
type SharedTask = Omit<EndToEndTask, "learners" | "sets">;

function describeTask(works: readonly NetworkWork[], threads: number, { networks }: Dataset): SharedTask {
  return {
    design: compileWork(works, threads),
    amounts: sumClasses(works),
    flops: Float64Array.from(works, ({ flops }) => flops),
    ms: Float64Array.from(networks, ({ latencyMs }) => latencyMs),
  };
}

// One job a set, so that threads share the work.
async function fitSets(
  { workers, signal, onProgress }: SetRequest,
  task: SharedTask,
  sets: readonly TrainingSet[],
  learners: readonly EndToEndLearner[],
): Promise<EndToEndResult[][]> {
  const pool = new FitPool({ workers, signal });
  try {
    const jobs = sets.map(({ train, test }) => ({
      kind: "end-to-end" as const,
      task: { ...task, learners, sets: [{ train, test }] },
    }));
    const results = await pool.run<"end-to-end">(jobs, (done, total) =>
      onProgress?.(done, total, `${done} of ${total} folds fitted`),
    );
    return learners.map((_, place) => results.map((byLearner) => byLearner[place]![0]!));
  } finally {
    await pool.close();
  }
}

// Errors in predicted deviations: a network that is far from the others is allowed to be further off (Lei et al. 2018, section 5.2).
function listSurprises(
  results: readonly EndToEndResult[],
  sets: readonly TrainingSet[],
  ms: Float64Array,
): number[] {
  return sets.flatMap(({ test }, set) =>
    test.map((place, index) => {
      const { predictedMs, deviations } = results[set]!;
      return Math.log(predictedMs[index]! / ms[place]!) / deviations![index]!;
    }),
  );
}

function listPoints(
  results: readonly EndToEndResult[],
  sets: readonly TrainingSet[],
  networks: Dataset["networks"],
  spread: number,
): PredictedPoint[] {
  const points = sets.flatMap(({ test }, set) =>
    test.map((place, index) => {
      const { model, family, flops, latencyMs: measuredMs } = networks[place]!;
      const { predictedMs: all, deviations } = results[set]!;
      const predictedMs = all[index]!;
      const factor = Math.exp(spread * (deviations?.[index] ?? 0));
      const [lowMs, highMs] = [predictedMs / factor, predictedMs * factor];
      return { place, point: { model, family, flops, measuredMs, predictedMs, lowMs, highMs } };
    }),
  );
  return points.sort((a, b) => a.place - b.place).map(({ point }) => point);
}

const remark = "inferred from whole networks: no op of this scenario was timed";

function describeClasses(
  core: Pick<FittedPredictor, "runtime">,
  model: EndToEndModel,
  networks: Dataset["networks"],
): ClassScores[] {
  const sums = new Map<string, { rows: number; ms: number }>();
  let total = 0;
  for (const { graph } of networks)
    for (const { kernel, ms } of predictEndToEnd(core, model, graph).ops) {
      const sum = sums.get(kernel) ?? { rows: 0, ms: 0 };
      sums.set(kernel, sum);
      sum.rows++;
      sum.ms += ms;
      total += ms;
    }
  return [...sums]
    .map(([kernel, { rows, ms }]) => ({
      kernel,
      rows,
      learner: "end-to-end",
      medianApe: null,
      timeShare: (100 * ms) / total,
      fallback: remark,
    }))
    .sort((a, b) => b.timeShare - a.timeShare);
}
