import type { Job } from "../lab/contract.ts";
import { formatEta } from "../lab/format.ts";

/** Where progress is told: a terminal, or a log. */
export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const clearLine = "\r\x1b[K";

// A log wants to know that work goes on, not every step of it; short commands stay silent there.
const logEveryMs = 15_000;

/** One line on a terminal that tells how a job goes; in a log a line now and then. */
export class ProgressLine {
  private readonly stream: ProgressStream;
  private readonly now: () => number;
  private loggedAt: number;
  private drawn = false;

  constructor(stream: ProgressStream, now: () => number = () => performance.now()) {
    this.stream = stream;
    this.now = now;
    this.loggedAt = now();
  }

  show(job: Job): void {
    const text = describeProgress(job);
    if (text === null) return;
    if (!this.stream.isTTY) {
      if (this.now() - this.loggedAt < logEveryMs) return;
      this.loggedAt = this.now();
      this.stream.write(`${text}\n`);
      return;
    }
    const width = (this.stream.columns ?? 80) - 1;
    this.stream.write(`${clearLine}${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
    this.drawn = true;
  }

  /** Takes the line away, before anything else is printed. */
  clear(): void {
    if (this.drawn) this.stream.write(clearLine);
    this.drawn = false;
  }
}

/** `12/40  30 %  about 2m left  nas-s1-0003 on host/1core/float32/tflite`; null for a job that has ended. */
export function describeProgress(job: Job): string | null {
  const { progress } = job;
  if (progress.state === "queued") return `${job.title}: waiting for its turn`;
  if (progress.state !== "running") return null;
  const { done, total, etaMs, note } = progress;
  if (total === 0) return note || job.title;
  const share = `${Math.floor((done / total) * 100)} %`;
  // A total of 1 is a whole that is told in shares.
  const count = Number.isInteger(done) && total > 1 ? `${done}/${total}  ${share}` : share;
  const left = etaMs === null ? "" : `  ${formatEta(etaMs)} left`;
  return `${count}${left}  ${note}`.trimEnd();
}

/** The progress of jobs that run side by side as one: their cells together, the longest time left, the last one's doing. */
export class JointProgress {
  private readonly running = new Map<number, Extract<Job["progress"], { state: "running" }>>();

  /** Takes in how one of them goes; gives that of all. */
  join(job: Job): Job {
    const { progress } = job;
    const before = this.running.get(job.id);
    if (progress.state === "running") this.running.set(job.id, progress);
    else if (progress.state === "done" && before)
      this.running.set(job.id, { ...before, done: before.total, etaMs: null });
    if (this.running.size < 2 || progress.state !== "running") return job;
    const all = [...this.running.values()];
    const left = all.flatMap(({ etaMs }) => (etaMs === null ? [] : [etaMs]));
    return {
      ...job,
      progress: {
        state: "running",
        done: all.reduce((sum, { done }) => sum + done, 0),
        total: all.reduce((sum, { total }) => sum + total, 0),
        etaMs: left.length > 0 ? Math.max(...left) : null,
        note: progress.note,
      },
    };
  }
}
