/** What can be done with a model, by its kind. */
import type { ModelSummary } from "../src-main/lab/contract.ts";

/** Whether a model can be run, predicted and compared: those known by published measurements only have no graph. */
export function hasGraph({ kind }: Pick<ModelSummary, "kind">): boolean {
  return kind !== "published";
}

/** How many models predictors of each scenario can learn from: those measured on it that have a graph. */
export function countLearnable(
  models: readonly Pick<ModelSummary, "kind" | "measuredOn">[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { kind, measuredOn } of models)
    if (hasGraph({ kind }))
      for (const scenario of measuredOn) counts.set(scenario, (counts.get(scenario) ?? 0) + 1);
  return counts;
}
