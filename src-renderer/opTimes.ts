import type { Lab, PredictorSummary, RunSummary, ScenarioSummary } from "../src-main/lab/contract.ts";
import type { OpTimes } from "./charts/opTimes.ts";

/** Where a model's times can be had. */
export interface TimeSource {
  scenario: string;
  /** The newest predictor of the scenario that can be used, or null. */
  predictor: number | null;
  measured: boolean;
  /** Whether single ops were timed there: then a measurement tells more than the whole. */
  opsTimed: boolean;
}

/** The newest predictor of each scenario that this version can use. */
export function listUsablePredictors(
  predictors: readonly Pick<PredictorSummary, "id" | "scenario" | "problem">[],
): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { id, scenario, problem } of predictors)
    if (problem === null && id > (newest.get(scenario) ?? 0)) newest.set(scenario, id);
  return newest;
}

/** The sources of times of a model, those that say most about its ops first. */
export function listTimeSources(
  scenarios: readonly Pick<ScenarioSummary, "id" | "opRows">[],
  predictors: readonly Pick<PredictorSummary, "id" | "scenario" | "problem">[],
  measuredOn: readonly string[],
): TimeSource[] {
  const usable = listUsablePredictors(predictors);
  const timed = new Set(scenarios.filter((entry) => entry.opRows > 0).map((entry) => entry.id));
  const measured = new Set(measuredOn);
  const worth = (source: TimeSource) =>
    Number(source.measured && source.opsTimed) * 4 +
    Number(source.predictor !== null) * 2 +
    Number(source.measured);
  return [...new Set([...usable.keys(), ...measured])]
    .map((scenario) => ({
      scenario,
      predictor: usable.get(scenario) ?? null,
      measured: measured.has(scenario),
      opsTimed: timed.has(scenario),
    }))
    .sort((a, b) => worth(b) - worth(a) || a.scenario.localeCompare(b.scenario));
}

/** Whether a source tells the times of single ops. */
export function tellsOps({ predictor, measured, opsTimed }: TimeSource): boolean {
  return predictor !== null || (measured && opsTimed);
}

/**
 * Asks the lab for a model's op times. With a predictor one call tells both; without one the newest cell in which the model
 * was measured does. Rejects as the lab does.
 */
export async function loadOpTimes(
  lab: Pick<Lab, "predict" | "run" | "measurement">,
  model: string,
  source: TimeSource,
  runs: readonly RunSummary[],
): Promise<OpTimes> {
  const { scenario, predictor } = source;
  const none = {
    scenario,
    predicted: null,
    measured: null,
    predictedMs: null,
    measuredMs: null,
    uncovered: new Map(),
  };
  if (predictor === null) return { ...none, ...(await findMeasured(lab, model, scenario, runs)) };
  const [prediction] = await lab.predict({ models: [model], scenario, predictor, ops: true });
  if (!prediction) return none;
  return {
    scenario,
    predicted: new Map(prediction.ops.map((op) => [op.index, op])),
    measured:
      prediction.measuredOps.length === 0
        ? null
        : new Map(prediction.measuredOps.map((time) => [time.op, time.ms])),
    predictedMs: prediction.latencyMs,
    measuredMs: prediction.measuredMs,
    uncovered: new Map(prediction.uncovered.map((entry) => [entry.index, entry.reason])),
  };
}

async function findMeasured(
  lab: Pick<Lab, "run" | "measurement">,
  model: string,
  scenario: string,
  runs: readonly RunSummary[],
): Promise<Pick<OpTimes, "measured" | "measuredMs">> {
  let noisy: number | null = null;
  for (const { id, scenarios } of runs.toSorted((a, b) => b.id - a.id)) {
    if (!scenarios.includes(scenario)) continue;
    const { cellList } = await lab.run({ run: id });
    const cells = cellList.filter((cell) => cell.model === model && cell.scenario === scenario);
    const done = cells.find((cell) => cell.state === "done");
    if (done) return readMeasured(lab, done.id);
    noisy ??= cells.find((cell) => cell.state === "noisy")?.id ?? null;
  }
  return noisy === null ? { measured: null, measuredMs: null } : readMeasured(lab, noisy);
}

async function readMeasured(
  lab: Pick<Lab, "measurement">,
  cell: number,
): Promise<Pick<OpTimes, "measured" | "measuredMs">> {
  const { opTimes, cell: summary } = await lab.measurement({ cell });
  const measured = opTimes.length === 0 ? null : new Map(opTimes.map((time) => [time.op, time.ms]));
  return { measured, measuredMs: summary.latencyMs };
}
