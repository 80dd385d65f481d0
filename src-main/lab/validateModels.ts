import { getRun } from "../store/runs.ts";
import type { LabContext } from "./context.ts";
import type { CellSummary, ModelSummary, Prediction, Validation } from "./contract.ts";
import { LabError, benchmarkFailed } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import { measureRun } from "./measureRun.ts";
import { predictModels } from "./predictModels.ts";
import type { PredictorShelf } from "./predictorShelf.ts";

/** What is to be validated: models of the library, with the run that will measure them. */
export interface ValidationPlan {
  predictor: ReturnType<PredictorShelf["find"]>;
  models: ModelSummary[];
  run: number;
}

/**
 * Predicts models, then measures them, then compares: in this order, so that no prediction knows its measurement. Rejects
 * with benchmark-failed when a model did not run; what the others gave is kept in the run.
 */
export async function validateModels(
  context: LabContext,
  { predictor, models, run }: ValidationPlan,
  job: JobContext,
): Promise<Validation[]> {
  const resolved = models.map((model) => ({
    kind: "library" as const,
    name: model.name,
    hash: model.hash,
    model,
  }));
  const predictions = await predictModels(context, predictor, resolved, false);
  await measureRun(context, run, false, job);
  const cells = getRun(context.store, run)?.cellList ?? [];
  checkMeasured(cells, run);
  return predictions.flatMap((prediction) => {
    const cell = cells.find(({ model }) => model === prediction.model);
    return cell?.latencyMs ? [compare(prediction, cell, cell.latencyMs)] : [];
  });
}

function checkMeasured(cells: readonly CellSummary[], run: number): void {
  const failed = cells.filter((cell) => cell.latencyMs === null);
  const [first] = failed;
  if (!first) return;
  const reason = first.error ?? "it gave no time";
  if (cells.length === 1) {
    const prefix = `${first.model} did not run on ${first.scenario}: `;
    throw benchmarkFailed(
      first.model,
      first.scenario,
      reason.startsWith(prefix) ? reason.slice(prefix.length) : reason,
    );
  }
  throw new LabError(
    "benchmark-failed",
    `${failed.length} of ${cells.length} models did not run, first ${reason}`,
    `Leave them out; what the others gave is kept in run ${run}.`,
  );
}

function compare(prediction: Prediction, cell: CellSummary, measuredMs: number): Validation {
  const { model, scenario, latencyMs: predictedMs, lowMs, highMs, learntFrom } = prediction;
  return {
    model,
    scenario,
    predictedMs,
    lowMs,
    highMs,
    measuredMs,
    error: (predictedMs - measuredMs) / measuredMs,
    insideInterval: measuredMs >= lowMs && measuredMs <= highMs,
    noisy: cell.state === "noisy",
    learntFrom,
  };
}
