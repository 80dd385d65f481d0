import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { cancelled } from "../lab/errors.ts";
import { estimateWork, runFitJob, type FitJob, type FitResults } from "./fitJob.ts";

/** How jobs are run. */
export interface PoolOptions {
  /** Threads; default all cores. 0 runs everything in the calling thread. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onDone?: ((done: number, total: number) => void) | undefined;
}

/** Below this much work (rows × columns over all jobs) starting threads takes longer than fitting. */
const smallWork = 25_000;

/**
 * Runs jobs of one kind, largest first, and returns their results in the jobs' order. Which thread does a job changes
 * nothing in its result. Rejects with `cancelled` as soon as the signal says so; its threads are then ended.
 */
export async function runFitJobs<K extends FitJob["kind"]>(
  jobs: readonly Extract<FitJob, { kind: K }>[],
  options: PoolOptions = {},
): Promise<FitResults[K][]> {
  if (options.signal?.aborted) throw cancelled();
  const work = jobs.reduce((sum, job) => sum + estimateWork(job), 0);
  const wanted = options.workers ?? (work < smallWork ? 0 : availableParallelism());
  const workers = Math.min(wanted, jobs.length);
  const order = jobs.map((_, place) => place);
  order.sort((a, b) => estimateWork(jobs[b]!) - estimateWork(jobs[a]!) || a - b);
  const run = workers === 0 ? runHere : runInWorkers;
  const results = await run(jobs, order, workers, options);
  return results as FitResults[K][];
}

async function runHere(
  jobs: readonly FitJob[],
  order: readonly number[],
  _workers: number,
  { signal, onDone }: PoolOptions,
): Promise<unknown[]> {
  const results: unknown[] = new Array(jobs.length);
  let done = 0;
  for (const place of order) {
    // Lets the abort, and everything else of this thread, have its turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw cancelled();
    results[place] = runFitJob(jobs[place]!);
    done++;
    onDone?.(done, jobs.length);
  }
  return results;
}

function runInWorkers(
  jobs: readonly FitJob[],
  order: readonly number[],
  count: number,
  { signal, onDone }: PoolOptions,
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const results: unknown[] = new Array(jobs.length);
    const workers: Worker[] = [];
    let next = 0;
    let done = 0;
    let ended = false;
    const end = (finish: () => void) => {
      if (ended) return;
      ended = true;
      signal?.removeEventListener("abort", abort);
      void Promise.allSettled(workers.map((worker) => worker.terminate())).then(finish);
    };
    const fail = (error: unknown) => end(() => reject(error));
    const abort = () => fail(cancelled());
    const feed = (worker: Worker) => {
      if (next >= order.length) return;
      const place = order[next++]!;
      worker.postMessage({ place, job: jobs[place]! });
    };
    signal?.addEventListener("abort", abort, { once: true });
    for (let index = 0; index < count; index++) {
      const worker = new Worker(locateWorker());
      workers.push(worker);
      worker.on("message", ({ place, result }: { place: number; result: unknown }) => {
        if (ended) return;
        results[place] = result;
        done++;
        onDone?.(done, jobs.length);
        if (done === jobs.length) end(() => resolve(results));
        else feed(worker);
      });
      worker.on("error", fail);
      worker.on("exit", (code) =>
        fail(new Error(`A fit worker ended with code ${code} before its work was done`)),
      );
      feed(worker);
    }
  });
}

// Beside this file under the extension it runs with itself: `.ts` from source, `.js` when bundled.
function locateWorker(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./fitWorker.ts" : "./fitWorker.js", import.meta.url);
}
