import type { Store } from "../store/database.ts";
import { commitCell, getMeasurement, getRun } from "../store/runs.ts";
import { describeNoise, judgeCell } from "./cellMeasurement.ts";
import type { PassPlan } from "./plan.ts";
import type { RawSample } from "./speedState.ts";

// A stored reference lower than the one a cell was judged by matters only beyond the canary's own noise.
const referenceDrift = 1.04;

/**
 * Judges done cells of a run again where the canary's reference has fallen since: cells measured before the true fast state was
 * seen may hold slow samples, and the raw samples tell. Gives the ids of those that were judged by another reference.
 */
export function rejudgeCells(
  store: Store,
  run: number,
  attempted: ReadonlySet<number>,
  pass: PassPlan,
  find: (scenario: string) => { referenceUs: number; threads: number },
): number[] {
  const changed: number[] = [];
  for (const summary of getRun(store, run)!.cellList) {
    if (summary.state !== "done" || !attempted.has(summary.id)) continue;
    const { referenceUs, threads } = find(summary.scenario);
    const measurement = getMeasurement(store, summary.id);
    const judgedBy = (measurement?.provenance?.canaryReferenceMs ?? 0) * 1000;
    if (!measurement || !(referenceUs > 0) || judgedBy <= referenceUs * referenceDrift) continue;
    const raw: RawSample[] = measurement.samples.map((sample) => ({
      atUs: sample.atMs * 1000,
      us: sample.ms * 1000,
      canaryBeforeUs: sample.canaryBeforeMs === null ? null : sample.canaryBeforeMs * 1000,
      canaryAfterUs: sample.canaryAfterMs === null ? null : sample.canaryAfterMs * 1000,
      waitedUs: sample.waitedMs === null ? null : sample.waitedMs * 1000,
    }));
    const judgement = judgeCell(raw, referenceUs, threads, pass);
    commitCell(store, summary.id, {
      state: judgement.noisy ? "noisy" : "done",
      samples: measurement.samples.map((sample, index) => ({ ...sample, kept: judgement.kept[index]! })),
      opTimes: measurement.opTimes,
      provenance: { ...measurement.provenance!, canaryReferenceMs: referenceUs / 1000 },
      stderr: measurement.stderr,
      error: judgement.noisy ? describeNoise(judgement, raw.length) : null,
      latencyMs: judgement.us / 1000,
      spreadMs: judgement.spreadUs / 1000,
    });
    changed.push(summary.id);
  }
  return changed;
}
