import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { cancelled } from "../lab/errors.ts";
import { estimateWork, runFitJob, type FitJob, type FitResults } from "./fitJob.ts";

/** How jobs are run. */
export interface PoolOptions {
  /** Threads; default all cores. 0 runs everything in the calling thread. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Below this much work (rows × columns over all jobs) starting threads takes longer than the work. */
const smallWork = 25_000;

/**
 * Runs jobs in threads that stay for the next ones until `close`. Which thread does a job changes nothing in its result. When
 * the signal says so, what runs rejects with `cancelled` at once and the threads end.
 */
export class FitPool {
  private readonly options: PoolOptions;
  private readonly workers: Worker[] = [];

  constructor(options: PoolOptions = {}) {
    this.options = options;
  }

  /** Runs jobs of one kind, largest first, and returns their results in the jobs' order. */
  async run<K extends FitJob["kind"]>(
    jobs: readonly Extract<FitJob, { kind: K }>[],
    onDone: (done: number, total: number) => void = () => undefined,
  ): Promise<FitResults[K][]> {
    if (this.options.signal?.aborted) throw cancelled();
    const work = jobs.map(estimateWork);
    const order = jobs.map((_, place) => place).sort((a, b) => work[b]! - work[a]! || a - b);
    const small = work.reduce((sum, value) => sum + value, 0) < smallWork;
    const wanted = this.options.workers ?? (small ? 0 : availableParallelism());
    const results =
      Math.min(wanted, jobs.length) === 0
        ? await this.runHere(jobs, order, onDone)
        : await this.runInWorkers(jobs, order, Math.min(wanted, jobs.length), onDone);
    return results as FitResults[K][];
  }

  /** Ends the threads; safe to call twice. */
  async close(): Promise<void> {
    await Promise.allSettled(this.workers.splice(0).map((worker) => worker.terminate()));
  }

  private async runHere(
    jobs: readonly FitJob[],
    order: readonly number[],
    onDone: (done: number, total: number) => void,
  ): Promise<unknown[]> {
    const results: unknown[] = new Array(jobs.length);
    let done = 0;
    for (const place of order) {
      // Lets the abort, and everything else of this thread, have its turn.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.options.signal?.aborted) throw cancelled();
      results[place] = runFitJob(jobs[place]!);
      done++;
      onDone(done, jobs.length);
    }
    return results;
  }

  private runInWorkers(
    jobs: readonly FitJob[],
    order: readonly number[],
    count: number,
    onDone: (done: number, total: number) => void,
  ): Promise<unknown[]> {
    while (this.workers.length < count) this.workers.push(new Worker(locateWorker()));
    const workers = this.workers.slice(0, count);
    const { signal } = this.options;
    return new Promise((resolve, reject) => {
      const results: unknown[] = new Array(jobs.length);
      let next = 0;
      let done = 0;
      const fail = (error: unknown) => {
        release();
        void this.close().then(() => reject(error));
      };
      const abort = () => fail(cancelled());
      const exit = (code: number) =>
        fail(new Error(`A fit worker ended with code ${code} before its work was done`));
      const feed = (worker: Worker) => {
        const place = order[next++];
        if (place !== undefined) worker.postMessage({ place, job: jobs[place]! });
      };
      const listeners = workers.map((worker) => ({ place, result }: { place: number; result: unknown }) => {
        results[place] = result;
        done++;
        onDone(done, jobs.length);
        if (done < jobs.length) return feed(worker);
        release();
        resolve(results);
      });
      const release = () => {
        signal?.removeEventListener("abort", abort);
        workers.forEach((worker, index) => {
          worker.off("message", listeners[index]!);
          worker.off("error", fail);
          worker.off("exit", exit);
          // Without a listener an error of a worker that is being ended would bring the process down.
          worker.on("error", () => undefined);
        });
      };
      signal?.addEventListener("abort", abort, { once: true });
      workers.forEach((worker, index) => {
        worker.on("message", listeners[index]!);
        worker.on("error", fail);
        worker.on("exit", exit);
        feed(worker);
      });
    });
  }
}

/** Opens a pool for one list of jobs. */
export async function runFitJobs<K extends FitJob["kind"]>(
  jobs: readonly Extract<FitJob, { kind: K }>[],
  options: PoolOptions = {},
): Promise<FitResults[K][]> {
  const pool = new FitPool(options);
  try {
    return await pool.run<K>(jobs);
  } finally {
    await pool.close();
  }
}

// Beside this file under the extension it runs with itself: `.ts` from source, `.js` when bundled.
function locateWorker(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./fitWorker.ts" : "./fitWorker.js", import.meta.url);
}
