import { parseScenario } from "../device/scenario.ts";
import type { FittedPredictor } from "../predict/fittedPredictor.ts";
import { predictNetwork } from "../predict/networkPrediction.ts";
import { trainingRows, type StoredMeasurement } from "../store/measurements.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { Prediction } from "./contract.ts";
import type { ResolvedModel } from "./modelLibrary.ts";

/** Networks predicted between two looks at what else there is to do. */
const batchSize = 20;

/** Predicts models one after another, with what was measured for the same file on the same scenario beside it. */
export async function predictModels(
  context: LabContext,
  predictor: { id: number; fitted: FittedPredictor },
  models: Iterable<ResolvedModel>,
  withOps: boolean,
): Promise<Prediction[]> {
  const { scenario } = predictor.fitted;
  const { precision } = parseScenario(scenario);
  const measured = new Map<string, StoredMeasurement>();
  for (const row of trainingRows(context.store, scenario)) measured.set(row.hash, row);
  const measuredNames = new Set([...measured.values()].map(({ model }) => model));
  const trainedOn = new Set(predictor.fitted.trainedOn);
  const predictions: Prediction[] = [];
  for (const model of models) {
    const prediction = predictNetwork(predictor.fitted, context.library.loadGraph(model, precision));
    // What its name alone defines costs more to hash than to predict.
    const unknown = model.kind === "defined" && !measuredNames.has(model.name);
    const known = unknown ? undefined : measured.get(model.hash);
    predictions.push({
      ...prediction,
      model: model.name,
      scenario,
      predictor: predictor.id,
      ops: withOps ? prediction.ops : [],
      measuredMs: known?.latencyMs ?? null,
      measuredOps: withOps ? (known?.opTimes ?? []) : [],
      learntFrom: trainedOn.has(model.name),
    });
    if (predictions.length % batchSize === 0) await takeBreath();
  }
  return predictions;
}
