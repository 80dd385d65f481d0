import { openSync, readSync, readdirSync } from "node:fs";

/**
 * The time the present threads of this process spend runnable but waiting for a core: what other processes of the same
 * system take from a measurement. Source: proc(5), /proc/PID/schedstat: time on a core, time waiting, time slices, in ns.
 */
export class SchedulerWait {
  private readonly files: number[] = [];
  private readonly buffer = Buffer.alloc(96);

  /** Watches the threads alive now; call it after the runtime has made its own. */
  constructor() {
    try {
      for (const task of readdirSync("/proc/self/task"))
        this.files.push(openSync(`/proc/self/task/${task}/schedstat`, "r"));
    } catch {
      // Not Linux, or the kernel does not tell.
    }
  }

  /** The sum over threads since they started, µs; null where the kernel does not tell. */
  read(): number | null {
    if (this.files.length === 0) return null;
    let total = 0;
    for (const file of this.files) {
      try {
        const length = readSync(file, this.buffer, 0, this.buffer.length, 0);
        const waited = Number(this.buffer.toString("latin1", 0, length).split(" ")[1]);
        if (Number.isFinite(waited)) total += waited;
      } catch {
        // The thread has ended; what it waited no longer matters to the samples that follow.
      }
    }
    return total / 1000;
  }
}
