/** What can be done with a model, by its kind. */
import type { ModelSummary } from "../src-main/lab/contract.ts";

/** Whether a model can be run, predicted and compared: those known by published measurements only have no graph. */
export function hasGraph({ kind }: Pick<ModelSummary, "kind">): boolean {
  return kind !== "published";
}

/** How many of the models a predictor of a scenario can learn from: those measured on it that have a graph. */
export function countLearnable(
  models: readonly Pick<ModelSummary, "kind" | "measuredOn">[],
  scenario: string,
): number {
  return models.filter((model) => hasGraph(model) && model.measuredOn.includes(scenario)).length;
}
