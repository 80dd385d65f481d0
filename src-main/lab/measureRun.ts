import { parseScenario } from "../device/scenario.ts";
import type { Bench } from "../profile/bench.ts";
import { HostBench } from "../profile/hostBench.ts";
import { executeRun } from "../profile/runner.ts";
import { getRun, nextCells } from "../store/runs.ts";
import { placeModelFile } from "../store/recipes.ts";
import { readSettings } from "../store/settings.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { RunDetail } from "./contract.ts";
import { findHost } from "./deviceCalls.ts";
import { cancelled, runUnknown } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
import { findBinary } from "./measurable.ts";
import { summarizeRun } from "./runSummary.ts";

/** Between two events about the run as a whole. */
const publishEveryMs = 500;

/** Measures what a run still lacks: writes the model files it needs, fills its cells, tells the lab's listeners of each. */
export async function measureRun(
  context: LabContext,
  run: number,
  retry: boolean,
  { signal, onProgress }: JobContext,
): Promise<void> {
  const { store } = context;
  const detail = getRun(store, run);
  if (!detail) throw runUnknown(run);
  const publishRun = createPublisher(context, run);
  // All files first: writing one between two cells would disturb the second.
  const cells = nextCells(store, run, { retry });
  const files = new Map(
    cells.map(({ hash, model, scenario }) => {
      const { precision } = parseScenario(scenario);
      return [`${hash} ${precision}`, { hash, model, precision }];
    }),
  );
  for (const [index, { hash, model, precision }] of [...files.values()].entries()) {
    if (signal.aborted) throw cancelled();
    if (placeModelFile(store, hash, precision)) {
      onProgress(0, cells.length, `writing ${model}.tflite (${index + 1} of ${files.size})`, null);
      await takeBreath();
    }
  }
  const bench = await createBench(context, detail, signal, (note) => onProgress(0, cells.length, note, null));
  // The device shows as busy from here on, and as ready after it.
  context.publish({ type: "devices" });
  try {
    await executeRun({
      store,
      run,
      bench,
      retry,
      signal,
      onCell: (cell) => {
        context.publish({ type: "cell", run, cell });
        publishRun(false);
      },
      onProgress: (done, total, etaMs, note) => onProgress(done, total, note, etaMs),
    });
  } finally {
    await bench.close();
    publishRun(true);
    // What was measured shows beside the models and in the scenarios.
    context.publish({ type: "models" });
    context.publish({ type: "devices" });
  }
}

async function createBench(
  context: LabContext,
  run: RunDetail,
  signal: AbortSignal,
  report: (note: string) => void,
): Promise<Bench> {
  const { store, phones } = context;
  const { scenarios, thoroughness } = run;
  const host = findHost();
  if (run.device === host.id)
    return new HostBench({ store, run: run.id, device: host, scenarios, thoroughness, signal });
  const device = await phones.awaitReady(run.device, signal, report);
  const { PhoneBench } = await import("../profile/phoneBench.ts");
  return new PhoneBench({
    store,
    run: run.id,
    device,
    phones: await phones.start(),
    binary: findBinary(context, device),
    settings: readSettings(store),
    scenarios,
    thoroughness,
    seed: run.id,
    signal,
  });
}

function createPublisher(context: LabContext, run: number): (always: boolean) => void {
  let publishedAt = -Infinity;
  return (always) => {
    const now = performance.now();
    if (!always && now - publishedAt < publishEveryMs) return;
    publishedAt = now;
    context.publish({ type: "run", run: summarizeRun(context, run) });
  };
}
