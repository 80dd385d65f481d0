import { meanOf } from "../model/mean.ts";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fitFlopsLine } from "../predict/baseline.ts";
import { scorePredictions } from "../evaluate/metrics.ts";
import { renderReport } from "../report/report.ts";
import type {
  CoreSet,
  DemoRequest,
  DemoResult,
  DemoScenario,
  Device,
  JobKind,
  JobResults,
  Lab,
  LearnerChoice,
  PredictedPoint,
  Prediction,
  PredictorSummary,
  Started,
} from "./contract.ts";
import { findHost } from "./deviceCalls.ts";
import { LabError, cancelled, runtimeMissing } from "./errors.ts";

/** What the demonstration runs on. */
export interface DemoContext {
  lab: Lab;
  request: DemoRequest;
  signal: AbortSignal;
  /** `done` is the share of `total`, which is 1. */
  onProgress: (done: number, total: number, note: string, etaMs: number) => void;
  /** How much is measured; default by `request.quick`. */
  size?: DemoSize;
}

/** How many networks are measured: as many as fit the seconds, within bounds. */
export interface DemoSize {
  /** Measured first to see how long one takes; they are learnt from too. */
  pilot: number;
  train: { fewest: number; most: number; seconds: number };
  test: { fewest: number; most: number; seconds: number };
}

const sizes: Record<"full" | "quick", DemoSize> = {
  full: {
    pilot: 3,
    train: { fewest: 12, most: 48, seconds: 200 },
    test: { fewest: 5, most: 16, seconds: 110 },
  },
  quick: {
    pilot: 3,
    train: { fewest: 8, most: 22, seconds: 65 },
    test: { fewest: 5, most: 8, seconds: 35 },
  },
};

const learners: readonly LearnerChoice[] = ["lasso", "boosting", "auto"];
/** Cells of each unseen network: their spread is the noise floor beside the error. */
const repetitions = 2;
/** A guess, for the progress shown. */
const secondsAFit = 2;

/**
 * The whole main job on this computer: samples networks, profiles them on one core and on the largest core set, fits every
 * learner, predicts networks no fit has seen, measures those, and writes a report. Steps are calls of the contract, so a
 * user can take each of them alone.
 */
export async function runDemo(context: DemoContext): Promise<DemoResult> {
  const started = performance.now();
  const size = context.size ?? sizes[context.request.quick ? "quick" : "full"];
  const seed = context.request.seed ?? 1;
  const device = findReadyHost();
  const coreSets = chooseCoreSets(device);
  const fitSeconds = coreSets.length * learners.length * secondsAFit;
  const steps = new DemoSteps(context, size.train.seconds + size.test.seconds + fitSeconds);

  const sampled = await steps.run("sampling networks", 1, (lab) =>
    lab.startSample({ count: size.pilot + size.train.most + size.test.most, seed }),
  );
  const names = sampled.map((model) => model.name);
  const pilot = names.slice(0, size.pilot);
  const pilotStart = performance.now();
  const runs: RunShape = { device, coreSets, repetitions: 1, seed };
  await profile(steps, "profiling the first networks", 10 * size.pilot, runs, pilot);
  const secondsEach = (performance.now() - pilotStart) / 1000 / pilot.length;
  const trainCount = affordable(size.train, secondsEach);
  const train = [...pilot, ...names.slice(size.pilot, size.pilot + trainCount)];
  steps.expect(trainCount * secondsEach + size.test.seconds + fitSeconds);
  const trainStart = performance.now();
  await profile(
    steps,
    `profiling ${trainCount} networks to learn from`,
    trainCount * secondsEach,
    runs,
    train.slice(size.pilot),
  );
  // A better guess than the pilot's, whose time holds the search for the fast state.
  const secondsNow = (performance.now() - trainStart) / 1000 / trainCount;
  const testCount = affordable(size.test, secondsNow * repetitions);
  const testSeconds = testCount * secondsNow * repetitions;
  const test = names.slice(size.pilot + size.train.most, size.pilot + size.train.most + testCount);
  steps.expect(fitSeconds + testSeconds);

  const fitted = new Map<string, PredictorSummary[]>();
  for (const coreSet of coreSets)
    for (const learner of learners) {
      const scenario = scenarioOf(device, coreSet);
      const predictor = await steps.run(`fitting ${learner} for ${scenario}`, secondsAFit, (lab) =>
        lab.startFit({ scenario, learner, models: train, seed }),
      );
      fitted.set(scenario, [...(fitted.get(scenario) ?? []), predictor]);
    }
  // Predicted before it is measured: what follows is a test, not a fit.
  const predictions = new Map<number, Prediction[]>();
  for (const [scenario, predictors] of fitted)
    for (const predictor of predictors)
      predictions.set(
        predictor.id,
        await context.lab.predict({ models: test, scenario, predictor: predictor.id, ops: false }),
      );
  const testRun = await profile(
    steps,
    `measuring ${testCount} networks nothing was fitted on`,
    testSeconds,
    { ...runs, repetitions },
    test,
  );

  const scenarios: DemoScenario[] = [];
  for (const [scenario, predictors] of fitted)
    scenarios.push(await scoreScenario(context.lab, scenario, predictors, predictions, testRun));
  const breakdown = await explainOne(context.lab, scenarios[0]!);
  const report = resolve(context.request.report ?? "report.html");
  const result: DemoResult = {
    device: findHost(),
    scenarios,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    report,
    breakdown,
    remarks: remark(scenarios),
  };
  writeReport(report, renderReport(result));
  return result;
}

function affordable(part: { fewest: number; most: number; seconds: number }, secondsEach: number): number {
  return Math.max(part.fewest, Math.min(part.most, Math.floor(part.seconds / secondsEach)));
}

// Not from the list of devices: looking at phones would start adb for a job that is this computer's alone.
function findReadyHost(): Device {
  const device = findHost();
  if (device.problem) throw runtimeMissing(device.problem);
  return device;
}

function chooseCoreSets(device: Device): CoreSet[] {
  const largest = device.coreSets.reduce((a, b) => (b.cpus.length > a.cpus.length ? b : a));
  const first = device.coreSets[0]!;
  return largest.name === first.name ? [first] : [first, largest];
}

function scenarioOf(device: Device, coreSet: CoreSet): string {
  return `${device.id}/${coreSet.name}/float32/tflite`;
}

/** What all runs of the demonstration share. */
interface RunShape {
  device: Device;
  coreSets: CoreSet[];
  repetitions: number;
  seed: number;
}

async function profile(
  steps: DemoSteps,
  note: string,
  seconds: number,
  { device, coreSets, repetitions: cells, seed }: RunShape,
  models: string[],
): Promise<number> {
  const summary = await steps.run(note, seconds, (lab) =>
    lab.startRun({
      device: device.id,
      coreSets: coreSets.map((coreSet) => coreSet.name),
      precision: "float32",
      runtime: "tflite",
      models,
      repetitions: cells,
      seed,
      thoroughness: "quick",
    }),
  );
  return summary.id;
}

/** Runs jobs one after another, passes their progress on by the seconds they take, and cancels the running one with the demonstration. */
class DemoSteps {
  private readonly context: DemoContext;
  private readonly started = performance.now();
  private expected: number;

  constructor(context: DemoContext, expected: number) {
    this.context = context;
    this.expected = expected;
  }

  /** States anew how many seconds are still to come. */
  expect(seconds: number): void {
    this.expected = seconds;
  }

  async run<K extends JobKind>(
    note: string,
    seconds: number,
    start: (lab: Lab) => Promise<Started<K>>,
  ): Promise<JobResults[K]> {
    const { lab, signal } = this.context;
    if (signal.aborted) throw cancelled();
    const later = Math.max(this.expected - seconds, 0);
    this.report(seconds + later, note);
    const { job, kind } = await start(lab);
    const cancel = (): void => void lab.cancelJob({ job }).catch(() => undefined);
    signal.addEventListener("abort", cancel, { once: true });
    const unsubscribe = lab.subscribe((event) => {
      if (event.type !== "job" || event.job.id !== job || event.job.progress.state !== "running") return;
      const { done, total, note: detail } = event.job.progress;
      const share = total > 0 ? done / total : 0;
      this.report(seconds * (1 - share) + later, `${note}: ${done}/${total} ${detail}`);
    });
    try {
      const result = await lab.jobResult({ job, kind });
      this.expected = later;
      return result;
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", cancel);
    }
  }

  private report(secondsLeft: number, note: string): void {
    const elapsed = (performance.now() - this.started) / 1000;
    const share = elapsed / Math.max(elapsed + secondsLeft, 1);
    this.context.onProgress(share, 1, note, Math.round(secondsLeft * 1000));
  }
}

async function scoreScenario(
  lab: Lab,
  scenario: string,
  predictors: PredictorSummary[],
  predictions: Map<number, Prediction[]>,
  testRun: number,
): Promise<DemoScenario> {
  const cells = (await lab.run({ run: testRun })).cellList.filter((cell) => cell.scenario === scenario);
  const measured = new Map<string, number[]>();
  for (const cell of cells)
    if (cell.latencyMs !== null)
      measured.set(cell.model, [...(measured.get(cell.model) ?? []), cell.latencyMs]);
  const models = new Map((await lab.models()).map((model) => [model.name, model]));
  const pointsOf = (predictor: number): PredictedPoint[] =>
    predictions.get(predictor)!.flatMap((prediction) => {
      const times = measured.get(prediction.model);
      const model = models.get(prediction.model);
      if (!times || !model) return [];
      const { latencyMs: predictedMs, lowMs, highMs } = prediction;
      const { family, flops } = model;
      return [
        { model: prediction.model, family, flops, measuredMs: meanOf(times), predictedMs, lowMs, highMs },
      ];
    });
  // The winner is named by cross-validation on the training networks; the unseen ones only judge it.
  const best = predictors.reduce((a, b) => (b.crossValidated.mape < a.crossValidated.mape ? b : a));
  const points = pointsOf(best.id);
  if (points.length === 0)
    throw new LabError(
      "benchmark-failed",
      `No unseen network could be measured on ${scenario}`,
      "Look at the failed cells of the last run.",
    );
  const line = fitFlopsLine((await lab.predictor({ predictor: best.id })).points);
  const baseline = scorePredictions(
    points.map((point) => ({ measuredMs: point.measuredMs, predictedMs: line(point.flops) })),
  );
  const scores = predictors.map((predictor) => ({
    learner: predictor.learner,
    ...scorePredictions(pointsOf(predictor.id)),
  }));
  const byError = [...points].sort((a, b) => errorOf(b) - errorOf(a));
  return {
    scenario,
    rows: best.rows,
    fitMs: best.fitMs,
    learners: [...scores, { learner: "flops", ...baseline }],
    best: best.learner,
    mape: scores.find((score) => score.learner === best.learner)!.mape,
    baselineMape: baseline.mape,
    noise: spreadPercent([...measured.values()]),
    trainedOn: best.models,
    worst: byError.slice(0, 3),
    closest: byError.slice(-3).reverse(),
    points,
    slowState: cells.filter((cell) => cell.state === "noisy").length > cells.length / 2,
  };
}

function errorOf(point: PredictedPoint): number {
  return Math.abs(point.predictedMs - point.measuredMs) / point.measuredMs;
}

// Median over networks of (largest − smallest) / mean of their cells, in percent.
function spreadPercent(repeated: readonly number[][]): number | null {
  const spreads = repeated
    .filter((times) => times.length > 1)
    .map((times) => ((Math.max(...times) - Math.min(...times)) / meanOf(times)) * 100)
    .sort((a, b) => a - b);
  return spreads.length > 0 ? spreads[Math.floor(spreads.length / 2)]! : null;
}

async function explainOne(lab: Lab, scenario: DemoScenario): Promise<Prediction | null> {
  const ordered = [...scenario.points].sort((a, b) => a.measuredMs - b.measuredMs);
  const typical = ordered[Math.floor(ordered.length / 2)];
  if (!typical) return null;
  return (await lab.predict({ models: [typical.model], scenario: scenario.scenario, ops: true }))[0] ?? null;
}

function remark(scenarios: readonly DemoScenario[]): string[] {
  return scenarios
    .filter((scenario) => scenario.slowState)
    .map(
      (scenario) =>
        `This computer was in its slow state during most of the measurements of ${scenario.scenario}; the errors include that noise.`,
    );
}

function writeReport(path: string, page: string): void {
  try {
    writeFileSync(path, page);
  } catch (error) {
    throw new LabError(
      "lab-unwritable",
      `The report ${path} cannot be written: ${(error as Error).message}`,
      "Run the demo from a folder you may write to; everything it measured is kept in the lab.",
    );
  }
}
