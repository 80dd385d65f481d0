import type { LitertResults } from "./litertOutput.ts";
import { readPrintedAmount } from "./printedNumber.ts";

/** The averages a benchmark ends with; null where its version does not tell one, and for a zero: nothing was run. */
export interface FinalLine {
  initMs: number | null;
  firstInferenceMs: number | null;
  warmupAverageMs: number | null;
  averageMs: number | null;
  /** How far a time may lie from the same time on another line, by the digits it is printed with. */
  toleranceMs: number;
}

/** Whether a line is the final one, in whatever state. */
export function isFinalLine(line: string): boolean {
  return /^(?:Average inference|Inference) timings in us: /.test(line);
}

/**
 * Reads the final line in all its forms, times in µs; null for another line. Up to 2.1 it is `Average inference timings in us:
 * Warmup: 2, Init: 1, no stats: 3`, in 2.2 the last part is `Inference: 3`, since 2.3 it is `Inference timings in us: Init: 1,
 * First inference: 2, Warmup (avg): 2, Inference (avg): 3`. Null too for a line that is not whole or
 * cannot be read in a part, which goes to `problems`: where one number is damaged, so may be the next.
 */
export function readFinalLine(line: string, problems: Set<string>): FinalLine | null {
  if (!isFinalLine(line)) return null;
  const values = new Map<string, number>();
  for (const part of line
    .slice(line.indexOf("us: ") + 4, 400)
    .trimEnd()
    .split(", ")) {
    const colon = part.indexOf(": ");
    const value = readPrintedAmount(part.slice(colon + 2));
    if (colon < 1 || value === null || values.has(part.slice(0, colon))) {
      problems.add(`the final line cannot be read at ${JSON.stringify(part.slice(0, 60))}`);
      return null;
    }
    values.set(part.slice(0, colon), value);
  }
  const forms = [
    ["Init", "First inference", "Warmup (avg)", "Inference (avg)"],
    ["Warmup", "Init", "Inference"],
    ["Warmup", "Init", "no stats"],
  ];
  if (!forms.some((form) => form.every((name) => values.has(name)))) {
    problems.add("the final line is not whole");
    return null;
  }
  const find = (...names: string[]): number | null => {
    const us = names.map((name) => values.get(name)).find((value) => value !== undefined);
    return us === undefined || us === 0 ? null : us / 1000;
  };
  return {
    initMs: find("Init"),
    firstInferenceMs: find("First inference"),
    warmupAverageMs: find("Warmup (avg)", "Warmup"),
    averageMs: find("Inference (avg)", "Inference", "no stats"),
    toleranceMs: 0,
  };
}

/** The same from the block of results of LiteRT's second tool. */
export function describeResults(results: LitertResults): FinalLine {
  const { initMs, firstInferenceMs, warmupAverageMs, averageMs } = results;
  return { initMs, firstInferenceMs, warmupAverageMs, averageMs, toleranceMs: 0.0051 };
}

/** Whether two printed times can be the same time: within the digits printed, of which averages have six. */
export function agree(a: number, b: number, toleranceMs: number): boolean {
  return Math.abs(a - b) <= Math.max(toleranceMs, 1e-5 * Math.max(a, b));
}
