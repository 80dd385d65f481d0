import type { Aggregate } from "../lab/contract.ts";
import { readPrintedAmount } from "./printedNumber.ts";

/** What LiteRT's `benchmark_litert_model` prints on stderr at its end, two decimals a time. */
export interface LitertResults {
  initMs: number | null;
  firstInferenceMs: number | null;
  warmupAverageMs: number | null;
  averageMs: number | null;
  count: number | null;
  minMs: number | null;
  maxMs: number | null;
  stdMs: number | null;
  initMemoryBytes: number | null;
  overallMemoryBytes: number | null;
  peakMemoryBytes: number | null;
}

const fields: Record<string, keyof LitertResults> = {
  "Model initialization": "initMs",
  "Warmup (first)": "firstInferenceMs",
  "Warmup (avg)": "warmupAverageMs",
  "Inference (avg)": "averageMs",
  "Inference (min)": "minMs",
  "Inference (max)": "maxMs",
  "Inference (std)": "stdMs",
  "Init footprint": "initMemoryBytes",
  "Overall footprint": "overallMemoryBytes",
  "Peak memory": "peakMemoryBytes",
};

/** Reads the block of results line by line. */
export class LitertResultsReader {
  private results: LitertResults | null = null;
  private readonly problems = new Set<string>();

  /** Reads a line without its prefix. */
  read(text: string, whole: boolean): void {
    if (/^=+ BENCHMARK RESULTS =+$/.test(text)) {
      this.results ??= {
        initMs: null,
        firstInferenceMs: null,
        warmupAverageMs: null,
        averageMs: null,
        count: null,
        minMs: null,
        maxMs: null,
        stdMs: null,
        initMemoryBytes: null,
        overallMemoryBytes: null,
        peakMemoryBytes: null,
      };
      return;
    }
    if (!this.results) return;
    const colon = text.indexOf(":");
    const field = colon < 0 ? undefined : fields[text.slice(0, colon)];
    if (!field) return;
    const match = /^(\S{1,40})(?: (ms|MB))?(?: \((\d{1,9}) runs\))?$/.exec(text.slice(colon + 1).trim());
    const value = readPrintedAmount(match?.[1]);
    // The deviation alone is printed without a unit.
    const unit = field.endsWith("Bytes") ? "MB" : field === "stdMs" ? undefined : "ms";
    if (!whole || value === null || match![2] !== unit) {
      this.problems.add(`a result cannot be read: ${JSON.stringify(text.slice(0, 120))}`);
      return;
    }
    this.tell(field, unit === "MB" ? Math.round(value * 2 ** 20) : value);
    if (field === "averageMs" && match![3]) this.tell("count", Number(match![3]));
  }

  /** The results, or null where the block never began, and what was wrong with it. */
  finish(): { results: LitertResults | null; problems: string[] } {
    const { results } = this;
    const [min, max, average] = [results?.minMs, results?.maxMs, results?.averageMs];
    if (
      results &&
      min != null &&
      max != null &&
      average != null &&
      (average < min - 0.01 || average > max + 0.01)
    ) {
      this.problems.add("the results' average lies outside of their extremes");
      results.averageMs = results.minMs = results.maxMs = null;
    }
    return { results, problems: [...this.problems] };
  }

  private readonly contradicted = new Set<keyof LitertResults>();

  private tell(field: keyof LitertResults, value: number): void {
    const results = this.results!;
    if (this.contradicted.has(field)) return;
    if (results[field] !== null && results[field] !== value) {
      this.problems.add(`the results tell ${field} twice and differently`);
      this.contradicted.add(field);
      results[field] = null;
    } else results[field] = value;
  }
}

/** The measured phase as the results tell it, for where its count line is not known. */
export function describeAggregate(results: LitertResults): Aggregate | null {
  if (results.count === null || results.averageMs === null) return null;
  const { count, averageMs, minMs, maxMs, stdMs } = results;
  return { count, averageMs, minMs, maxMs, stdMs, medianMs: null, p5Ms: null, p95Ms: null };
}
