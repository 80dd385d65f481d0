import { executeRun } from "../profile/runner.ts";
import { getRun, nextCells } from "../store/runs.ts";
import { placeModelFile } from "../store/recipes.ts";
import { takeBreath, type LabContext } from "./context.ts";
import { cancelled, runUnknown } from "./errors.ts";
import type { JobContext } from "./jobs.ts";
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
  if (!getRun(store, run)) throw runUnknown(run);
  const publishRun = createPublisher(context, run);
  // All files first: writing one between two cells would disturb the second.
  const cells = nextCells(store, run, { retry });
  const hashes = [...new Map(cells.map((cell) => [cell.hash, cell.model]))];
  for (const [index, [hash, model]] of hashes.entries()) {
    if (signal.aborted) throw cancelled();
    if (placeModelFile(store, hash)) {
      onProgress(0, cells.length, `writing ${model}.tflite (${index + 1} of ${hashes.length})`, null);
      await takeBreath();
    }
  }
  try {
    await executeRun({
      store,
      run,
      retry,
      signal,
      onCell: (cell) => {
        context.publish({ type: "cell", run, cell });
        publishRun(false);
      },
      onProgress: (done, total, etaMs, note) => onProgress(done, total, note, etaMs),
    });
  } finally {
    publishRun(true);
    // What was measured shows beside the models and in the scenarios.
    context.publish({ type: "models" });
  }
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
