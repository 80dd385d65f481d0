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

/**
 * Reads the final line in all its forms, times in µs; null for another line. Up to 2.1 it is `Average inference timings in us:
 * Warmup: 2, Init: 1, no stats: 3`, in 2.2 the last part is `Inference: 3`, since 2.3 it is `Inference timings in us: Init: 1,
 * First inference: 2, Warmup (avg): 2, Inference (avg): 3`. Parts that cannot be read go to `problems`.
 */
export function readFinalLine(line: string, problems: Set<string>): FinalLine | null {
  const title = /^(?:Average inference|Inference) timings in us: /.exec(line);
  if (!title) return null;
  const values = new Map<string, number>();
  for (const part of line.slice(title[0].length, 400).trimEnd().split(", ")) {
    const colon = part.indexOf(": ");
    const value = readPrintedAmount(part.slice(colon + 2));
    if (colon < 1 || value === null || values.has(part.slice(0, colon)))
      problems.add(`the final line cannot be read at ${JSON.stringify(part.slice(0, 60))}`);
    else values.set(part.slice(0, colon), value);
  }
  const find = (...names: string[]): number | null => {
    const us = names.map((name) => values.get(name)).find((value) => value !== undefined);
    return us === undefined || us === 0 ? null : us / 1000;
  };
  const final = {
    initMs: find("Init"),
    firstInferenceMs: find("First inference"),
    warmupAverageMs: find("Warmup (avg)", "Warmup"),
    averageMs: find("Inference (avg)", "Inference", "no stats"),
    toleranceMs: 0.001,
  };
  if (
    !values.has("Init") ||
    !(values.has("Inference (avg)") || values.has("Inference") || values.has("no stats"))
  )
    problems.add("the final line is not whole");
  return final;
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
