import type { Aggregate } from "../lab/contract.ts";
import { parseCounts } from "./countLine.ts";
import { readLines } from "./outputLine.ts";

/** Where a benchmark is: loading, running in, being timed, or done and printing. */
export type BenchmarkPhase = "starting" | "warmup" | "measuring" | "reporting";

const longestRest = 65_536;

/** Follows a benchmark by what it has printed on stdout so far, so that a deadline can count from its first measured run. */
export class BenchmarkProgress {
  phase: BenchmarkPhase = "starting";
  /** Mean of a warm-up run, known from when measuring begins; null before and where it was not told. */
  warmupAverageMs: number | null = null;
  warmup: Aggregate | null = null;
  private rest = "";

  /** Takes the next piece of stdout, cut anywhere; gives the phase after it. */
  feed(text: string): BenchmarkPhase {
    if (this.phase === "reporting") return this.phase;
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      // Endless lines are not the tool's.
      this.rest = (this.rest + text).slice(-longestRest);
      return this.phase;
    }
    readLines(this.rest + text.slice(0, end + 1), ({ text: line, logcat }) => {
      if (!logcat) this.readLine(line);
    });
    this.rest = text.slice(end + 1).slice(-longestRest);
    return this.phase;
  }

  private readLine(line: string): void {
    if (line.startsWith("Running benchmark for at least ")) {
      this.phase = this.phase === "starting" ? "warmup" : "measuring";
    } else if (line.startsWith("count=")) {
      if (this.phase === "measuring") this.phase = "reporting";
      else if (this.phase === "warmup") {
        this.warmup = parseCounts(line);
        this.warmupAverageMs = this.warmup?.averageMs ?? null;
      }
    } else if (/^(?:Average inference|Inference) timings in us: /.test(line)) this.phase = "reporting";
  }
}
