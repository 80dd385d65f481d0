import type { Job, JobKind, JobResults, LabEvent, Started } from "./contract.ts";
import { LabError, badRequest, cancelled, describeError } from "./errors.ts";
import { EtaEstimator } from "./eta.ts";

/** What a job's work is given. */
export interface JobContext {
  signal: AbortSignal;
  /** Tells how far it is; without `etaMs` the time left is guessed from the pace. */
  onProgress: (done: number, total: number, note: string, etaMs?: number | null) => void;
}

/** A piece of work to be run as a job. */
export interface JobPlan<K extends JobKind> {
  kind: K;
  title: string;
  /** The run it works on, for profile and validate. */
  run?: number | null;
  /** Jobs of one lane run one after another; null runs at once. */
  lane: string | null;
  work: (context: JobContext) => Promise<JobResults[K]>;
  /** Called once it has ended in whatever way. */
  onEnd?: () => void;
}

interface Entry {
  job: Job;
  abort: AbortController;
  /** Settles when the job has ended; never rejects. */
  ended: Promise<unknown>;
  end: () => void;
  result: unknown;
  onEnd: (() => void) | undefined;
  publishedAt: number;
  timer: ReturnType<typeof setTimeout> | null;
}

/** Finished jobs to remember with their results; what they made is in the lab anyway. */
const remembered = 100;
/** Events of one job's progress are at least this far apart. */
const publishEveryMs = 100;

/** Runs jobs, tells of them by events and keeps their results. */
export class JobRunner {
  private readonly entries = new Map<number, Entry>();
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly publish: (event: LabEvent) => void;
  private nextId = 1;
  private closed = false;

  constructor(publish: (event: LabEvent) => void) {
    this.publish = publish;
  }

  /** Queues the work and returns at once. */
  start<K extends JobKind>(plan: JobPlan<K>): Started<K> {
    if (this.closed) throw cancelled();
    const entry = createEntry(this.nextId++, plan);
    this.entries.set(entry.job.id, entry);
    this.announce(entry);
    const before = plan.lane === null ? Promise.resolve() : (this.lanes.get(plan.lane) ?? Promise.resolve());
    // A job cancelled while it waits ends at once; those behind it still wait for the one before it.
    const after = before.then(() => this.execute(entry, plan));
    if (plan.lane !== null) this.lanes.set(plan.lane, after);
    return { job: entry.job.id, kind: plan.kind };
  }

  /** Every job remembered, oldest first. */
  list(): Job[] {
    return [...this.entries.values()].map((entry) => structuredClone(entry.job));
  }

  /** The job that works on a run now or will, or null. */
  findByRun(run: number): number | null {
    for (const { job } of this.entries.values()) if (job.run === run && isActive(job)) return job.id;
    return null;
  }

  /** Asks a job to stop; one that has ended stays as it is. Rejects with `bad-request` for an unknown id. */
  cancel(id: number): Job {
    const entry = this.find(id);
    if (isActive(entry.job)) {
      entry.abort.abort();
      if (entry.job.progress.state === "queued") this.finish(entry, { state: "cancelled" });
    }
    return structuredClone(entry.job);
  }

  /** Waits for the end; rejects with the job's error, or `cancelled`. */
  async result<K extends JobKind>(id: number, kind: K): Promise<JobResults[K]> {
    const entry = this.find(id);
    if (entry.job.kind !== kind)
      throw badRequest(`Job ${id} is a ${entry.job.kind} job, not ${kind}`, "Ask for it by its own kind.");
    await entry.ended;
    const { progress } = entry.job;
    if (progress.state === "failed")
      throw new LabError(progress.error.code, progress.error.message, progress.error.hint);
    if (progress.state !== "done") throw cancelled();
    return entry.result as JobResults[K];
  }

  /** Cancels everything and waits until it has stopped. */
  async close(): Promise<void> {
    this.closed = true;
    for (const id of this.entries.keys()) this.cancel(id);
    await Promise.all(this.lanes.values());
    await Promise.all([...this.entries.values()].map((entry) => entry.ended));
  }

  private async execute<K extends JobKind>(entry: Entry, plan: JobPlan<K>): Promise<void> {
    if (!isActive(entry.job)) return;
    const eta = new EtaEstimator(performance.now());
    this.change(entry, { state: "running", done: 0, total: 0, etaMs: null, note: "" });
    try {
      entry.result = await plan.work({
        signal: entry.abort.signal,
        onProgress: (done, total, note, etaMs) => {
          if (!isActive(entry.job)) return;
          const guess = eta.update(performance.now(), done, total);
          entry.job.progress = {
            state: "running",
            done,
            total,
            note,
            etaMs: etaMs === undefined ? guess : etaMs,
          };
          this.announceSoon(entry);
        },
      });
      this.finish(entry, { state: "done" });
    } catch (error) {
      const aborted = entry.abort.signal.aborted;
      this.finish(entry, aborted ? { state: "cancelled" } : { state: "failed", error: describeError(error) });
    }
  }

  private finish(entry: Entry, progress: Job["progress"]): void {
    if (entry.timer) this.announce(entry);
    this.change(entry, progress);
    entry.onEnd?.();
    entry.end();
    const ended = [...this.entries.values()].filter(({ job }) => !isActive(job));
    for (const { job } of ended.slice(0, Math.max(0, ended.length - remembered))) this.entries.delete(job.id);
  }

  private change(entry: Entry, progress: Job["progress"]): void {
    entry.job.progress = progress;
    this.announce(entry);
  }

  private announce(entry: Entry): void {
    if (entry.timer) clearTimeout(entry.timer);
    entry.timer = null;
    entry.publishedAt = performance.now();
    this.publish({ type: "job", job: structuredClone(entry.job) });
  }

  // The last progress is always told, however close it came to the one before.
  private announceSoon(entry: Entry): void {
    if (entry.timer) return;
    const wait = entry.publishedAt + publishEveryMs - performance.now();
    if (wait <= 0) this.announce(entry);
    else entry.timer = setTimeout(() => this.announce(entry), wait);
  }

  private find(id: number): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw badRequest(`There is no job ${id}`, "List the jobs that this program has started.");
    return entry;
  }
}

function createEntry<K extends JobKind>(id: number, plan: JobPlan<K>): Entry {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const job: Job = {
    id,
    kind: plan.kind,
    title: plan.title,
    startedAt: new Date().toISOString(),
    progress: { state: "queued" },
    run: plan.run ?? null,
  };
  const abort = new AbortController();
  return {
    job,
    abort,
    ended: promise,
    end: () => resolve(undefined),
    result: null,
    onEnd: plan.onEnd,
    publishedAt: 0,
    timer: null,
  };
}

function isActive(job: Job): boolean {
  return job.progress.state === "queued" || job.progress.state === "running";
}
