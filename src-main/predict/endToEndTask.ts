import { fitFlopsLine } from "./baseline.ts";
import { fitNonNegativeRates, type ClassAmounts } from "./additiveRates.ts";
import type { WorkDesign } from "./workDesign.ts";
import { predictByAll, WorkPredictor } from "./workPrediction.ts";
import { fitWorkRates, type WorkRates } from "./workRates.ts";

/** Ways to learn from end-to-end times alone, from simple to rich. */
export const endToEndLearners = ["flops", "additive", "shrunken", "end-to-end"] as const;
export type EndToEndLearner = (typeof endToEndLearners)[number];

/** Networks of one scenario, and what to fit and predict of them. */
export interface EndToEndTask {
  learners: readonly EndToEndLearner[];
  design: WorkDesign;
  amounts: ClassAmounts;
  flops: Float64Array;
  ms: Float64Array;
  /** By place in the scenario. The times of tested networks are not looked at. */
  sets: { train: number[]; test: number[] }[];
}

/** What a learner made of one set. */
export interface EndToEndResult {
  /** Milliseconds of the test networks. */
  predictedMs: Float64Array;
  /** Standard deviations of their logarithms; null for learners that do not tell. */
  deviations: Float64Array | null;
  /** The fits whose mean predicts; null for other learners than `shrunken` and `end-to-end`. */
  rates: WorkRates[] | null;
}

/** Fits each learner on each set's training networks and predicts its test networks: learner by learner the results of all sets. */
export function tryEndToEnd(task: EndToEndTask): EndToEndResult[][] {
  const bySet = task.sets.map(({ train, test }) => {
    // Two learners have the fit of rates that do not vary with shape in common.
    let plain: WorkRates | null = null;
    const fitPlain = () => (plain ??= fitRates(task, train, true));
    return task.learners.map((learner) => {
      switch (learner) {
        case "flops":
          return tabulate(test, fitLine(task, train));
        case "additive":
          return tabulate(test, fitSums(task, train));
        case "shrunken":
          return predictByRates(task, test, [fitPlain()]);
        case "end-to-end":
          // Rates that vary with shape need more networks; the mean of both errs less than either at any number.
          return predictByRates(task, test, [fitPlain(), fitRates(task, train, false)]);
      }
    });
  });
  return task.learners.map((_, place) => bySet.map((results) => results[place]!));
}

function tabulate(test: readonly number[], predict: (place: number) => number): EndToEndResult {
  return { predictedMs: Float64Array.from(test, predict), deviations: null, rates: null };
}

type Line = (place: number) => number;

function fitLine({ flops, ms }: EndToEndTask, train: readonly number[]): Line {
  const line = fitFlopsLine(train.map((place) => ({ flops: flops[place]!, measuredMs: ms[place]! })));
  return (place) => line(flops[place]!);
}

function fitSums({ amounts: { names, amounts }, ms }: EndToEndTask, train: readonly number[]): Line {
  const columns = names.length;
  const row = (place: number) => amounts.subarray(place * columns, (place + 1) * columns);
  const rows = new Float64Array(train.length * columns);
  train.forEach((place, index) => rows.set(row(place), index * columns));
  const rates = fitNonNegativeRates(
    rows,
    columns,
    Float64Array.from(train, (place) => ms[place]!),
  );
  return (place) => row(place).reduce((sum, amount, column) => sum + amount * rates[column]!, 0);
}

function fitRates({ design, ms }: EndToEndTask, train: readonly number[], plain: boolean): WorkRates {
  const networks = train.map((place) => design.networks[place]!);
  const logMs = Float64Array.from(train, (place) => Math.log(ms[place]!));
  return fitWorkRates(design.columns, networks, logMs, plain);
}

function predictByRates(
  { design }: EndToEndTask,
  test: readonly number[],
  rates: WorkRates[],
): EndToEndResult {
  const predictors = rates.map((each) => new WorkPredictor(each, design.columns));
  const predictions = test.map((place) => predictByAll(predictors, design.networks[place]!));
  return {
    predictedMs: Float64Array.from(predictions, ({ logMs: log }) => Math.exp(log)),
    deviations: Float64Array.from(predictions, ({ deviation }) => deviation),
    rates,
  };
}
