import { fitFlopsLine } from "./baseline.ts";
import { fitNonNegativeRates, type ClassAmounts } from "./additiveRates.ts";
import { sumWork, type CompiledWork, type WorkDesign } from "./workDesign.ts";
import { coefficientKinds, fitWorkRates } from "./workRates.ts";

/** Ways to learn from end-to-end times alone, from simple to rich. */
export const endToEndLearners = ["flops", "additive", "shrunken", "end-to-end"] as const;
export type EndToEndLearner = (typeof endToEndLearners)[number];

/** Networks of one scenario, and what to fit and predict of them. */
export interface EndToEndTask {
  learner: EndToEndLearner;
  design: WorkDesign;
  amounts: ClassAmounts;
  flops: Float64Array;
  ms: Float64Array;
  /** By place in the scenario. The times of tested networks are not looked at. */
  sets: { train: number[]; test: number[] }[];
}

/** Predicted milliseconds of each set's test networks. */
export type EndToEndResult = Float64Array[];

/** Fits a learner on each set's training networks and predicts its test networks. */
export function tryEndToEnd(task: EndToEndTask): EndToEndResult {
  return task.sets.map(({ train, test }) => {
    const predict = fitLearner(task, train);
    return Float64Array.from(test, (place) => predict(place));
  });
}

function fitLearner(task: EndToEndTask, train: readonly number[]): (place: number) => number {
  const { learner, design, amounts, flops, ms } = task;
  switch (learner) {
    case "flops": {
      const line = fitFlopsLine(train.map((place) => ({ flops: flops[place]!, measuredMs: ms[place]! })));
      return (place) => line(flops[place]!);
    }
    case "additive": {
      const columns = amounts.names.length;
      const row = (place: number) => amounts.amounts.subarray(place * columns, (place + 1) * columns);
      const rows = new Float64Array(train.length * columns);
      train.forEach((place, index) => rows.set(row(place), index * columns));
      const rates = fitNonNegativeRates(rows, columns, Float64Array.from(train, (place) => ms[place]!));
      return (place) => row(place).reduce((sum, amount, column) => sum + amount * rates[column]!, 0);
    }
    case "shrunken":
    case "end-to-end": {
      const networks: CompiledWork[] = train.map((place) => design.networks[place]!);
      const logMs = Float64Array.from(train, (place) => Math.log(ms[place]!));
      const rates = fitWorkRates(
        design.columns,
        networks,
        logMs,
        learner === "shrunken" ? coefficientKinds.filter(({ prefix }) => prefix !== "shape ") : coefficientKinds,
      );
      return (place) => Math.exp(rates.level + sumWork(design.networks[place]!, rates.coefficients));
    }
  }
}
