import type { JobKind, JobResults, Started } from "../lab/contract.ts";
import { cancelled } from "../lab/errors.ts";
import { chooseLabFolder } from "../lab/folder.ts";
import { openLab, type OpenedLab } from "../lab/lab.ts";
import { JointProgress, ProgressLine } from "./progress.ts";

/** Options every command takes. */
export interface CommonOptions {
  lab?: string;
  json?: boolean;
}

/** One command's use of a lab: opened for it, closed after it, its jobs cancelled by the signal. */
export class Session {
  readonly lab: OpenedLab;
  readonly json: boolean;
  readonly signal: AbortSignal;
  private readonly progress = new ProgressLine(process.stderr);
  /** How many things are going on that end by themselves when the signal comes. */
  private ending = 0;

  private constructor(lab: OpenedLab, json: boolean, signal: AbortSignal) {
    this.lab = lab;
    this.json = json;
    this.signal = signal;
  }

  /** Opens the lab of the options, acts on it and closes it. */
  static async use<T>(
    options: CommonOptions,
    signal: AbortSignal,
    act: (session: Session) => Promise<T>,
  ): Promise<T> {
    const lab = await openLab({ folder: chooseLabFolder(options.lab, process.env) });
    const session = new Session(lab, options.json ?? false, signal);
    const interrupted = new Promise<never>((_, reject) => {
      const interrupt = () => {
        if (session.ending === 0) reject(cancelled());
      };
      signal.addEventListener("abort", interrupt, { once: true });
      if (signal.aborted) interrupt();
    });
    try {
      return await Promise.race([act(session), interrupted]);
    } finally {
      session.progress.clear();
      await lab.close();
    }
  }

  /** Waits for a job, showing how it goes; rejects with its error, or `cancelled`. */
  async finish<K extends JobKind>(started: Started<K>): Promise<JobResults[K]> {
    const [outcome] = await this.finishAll([started]);
    if (outcome!.status === "rejected") throw outcome!.reason;
    return outcome!.value;
  }

  /** Waits for jobs that run side by side, showing how they go together; tells how each ended. */
  async finishAll<K extends JobKind>(
    started: readonly Started<K>[],
  ): Promise<PromiseSettledResult<JobResults[K]>[]> {
    const cancel = () => started.forEach(({ job }) => void this.lab.cancelJob({ job }));
    const joint = new JointProgress();
    const unsubscribe = this.lab.subscribe((event) => {
      if (event.type === "job" && started.some(({ job }) => job === event.job.id))
        this.progress.show(joint.join(event.job));
    });
    this.signal.addEventListener("abort", cancel, { once: true });
    if (this.signal.aborted) cancel();
    this.ending++;
    try {
      return await Promise.allSettled(started.map(({ job, kind }) => this.lab.jobResult({ job, kind })));
    } finally {
      this.ending--;
      unsubscribe();
      this.signal.removeEventListener("abort", cancel);
      this.progress.clear();
    }
  }

  /** Waits until the command is interrupted, which is then its regular end. */
  async waitForInterrupt(): Promise<void> {
    this.ending++;
    await new Promise<void>((resolve) => {
      this.signal.addEventListener("abort", () => resolve(), { once: true });
      if (this.signal.aborted) resolve();
    });
  }
}
