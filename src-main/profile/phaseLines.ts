import type { Aggregate } from "../lab/contract.ts";
import { type CountLine, readCountLine } from "./countLine.ts";
import { type FinalLine, agree } from "./finalLine.ts";

/** A phase's statistics and its first run. */
export interface Phase {
  counts: Aggregate | null;
  firstMs: number | null;
}

/** The warm-up and the measured phase; null what is not there, contradicts the final line or cannot be told apart. */
export interface Phases {
  warmup: Phase | null;
  measured: Phase | null;
}

const mostLines = 16;

/** Collects the lines that announce and count the two phases, and then says which count is whose. */
export class PhaseReader {
  /** `R` for a phase's announcement, `C` for its count line, as they came. */
  order = "";
  /** Phases whose count line the final line contradicts. */
  readonly contradicted = new Set<keyof Phases>();
  private readonly lines: (CountLine & { text: string })[] = [];
  private readonly problems: Set<string>;

  constructor(problems: Set<string>) {
    this.problems = problems;
  }

  /** Reads a line; false when it is another one. */
  read(text: string): boolean {
    if (text.startsWith("Running benchmark for at least ")) {
      if (this.order.length < mostLines) this.order += "R";
      return true;
    }
    const line = readCountLine(text);
    if (!line) return false;
    if (line.problem) this.problems.add(line.problem);
    if (this.lines.length < mostLines) {
      this.order += "C";
      this.lines.push({ ...line, text });
    }
    return true;
  }

  /** Takes the last count line back: its end was broken off. */
  doubtLast(): void {
    const last = this.lines.at(-1);
    if (last) Object.assign(last, { counts: null, firstMs: null });
  }

  /** Count lines go by their order, and each must agree with the final line's average; without that line they tell nothing. */
  finish(final: FinalLine | null): Phases {
    const none: Phases = { warmup: null, measured: null };
    if (this.lines.length === 0) {
      if (this.order !== "" && final?.averageMs != null) this.problems.add("the count lines are missing");
      return none;
    }
    // A line that stands there twice tells nothing new, but in a network of equal runs both phases can read the same.
    const lines =
      this.lines.length <= 2
        ? this.lines
        : this.lines.filter(
            ({ text }, index, all) => all.findIndex((other) => other.text === text) === index,
          );
    if (lines.length > 2) {
      this.problems.add("there are more count lines than phases");
      return none;
    }
    const [first = null, second = null] = lines;
    if (final) return this.confirm(first, second, final);
    this.problems.add("no final line confirms which phase a count line belongs to");
    return none;
  }

  private confirm(first: PhaseLine | null, second: PhaseLine | null, final: FinalLine): Phases {
    if (second) {
      const warmup = this.check("warmup", first, final.warmupAverageMs, final.toleranceMs);
      const measured = this.check("measured", second, final.averageMs, final.toleranceMs);
      return { warmup, measured };
    }
    this.problems.add("a count line is missing");
    const fits = (ms: number | null): boolean => {
      const average = first?.counts?.averageMs ?? null;
      return ms !== null && average !== null && agree(ms, average, final.toleranceMs);
    };
    const [isWarmup, isMeasured] = [fits(final.warmupAverageMs), fits(final.averageMs)];
    if (isWarmup === isMeasured) return { warmup: null, measured: null };
    return { warmup: isWarmup ? first : null, measured: isMeasured ? first : null };
  }

  private check(
    phase: keyof Phases,
    line: PhaseLine | null,
    ms: number | null,
    toleranceMs: number,
  ): Phase | null {
    const average = line?.counts?.averageMs ?? null;
    if (ms === null && average === null) return line;
    if (ms !== null && average !== null && agree(ms, average, toleranceMs)) return line;
    this.contradicted.add(phase);
    const what = phase === "warmup" ? "warm-up" : "measured phase";
    this.problems.add(
      `the average of the ${what} is ${average ?? "no"} ms on its count line and ${ms ?? "no"} ms on the final one`,
    );
    return null;
  }
}

type PhaseLine = CountLine & { text: string };
