import type { Lab, RunSummary } from "../src-main/lab/contract.ts";
import type { OpTimes } from "./charts/opTimes.ts";

/** Where a model's op times can be had: scenarios with a predictor, and those it was measured on. */
export interface TimeSource {
  scenario: string;
  predictor: boolean;
  measured: boolean;
}

/** The sources of times of models, those that say most about all of them first. */
export function listTimeSources(
  scenarios: readonly { id: string; predictor: number | null }[],
  measuredOn: readonly string[],
): TimeSource[] {
  const usable = new Set(scenarios.filter((entry) => entry.predictor !== null).map((entry) => entry.id));
  const measured = new Set(measuredOn);
  const worth = (source: TimeSource) => Number(source.measured) * 2 + Number(source.predictor);
  return [...new Set([...usable, ...measured])]
    .map((scenario) => ({ scenario, predictor: usable.has(scenario), measured: measured.has(scenario) }))
    .sort((a, b) => worth(b) - worth(a) || a.scenario.localeCompare(b.scenario));
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
  const { scenario } = source;
  const none = {
    scenario,
    predicted: null,
    measured: null,
    predictedMs: null,
    measuredMs: null,
    uncovered: new Map(),
  };
  if (!source.predictor) return { ...none, ...(await findMeasured(lab, model, scenario, runs)) };
  const [prediction] = await lab.predict({ models: [model], scenario, ops: true });
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
