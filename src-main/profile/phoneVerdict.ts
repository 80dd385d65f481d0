import type { DelegateCoverage, Runtime } from "../lab/contract.ts";
import { formatMs } from "../lab/format.ts";
import type { BenchmarkOutput } from "./benchmarkOutput.ts";
import type { ToolKind } from "./benchmarkTool.ts";

/** The share a delegate took of the network in a scenario's runtime, or null where none belongs to it. */
export function findCoverage(
  runtime: Runtime,
  output: Pick<BenchmarkOutput, "coverages" | "delegates">,
): DelegateCoverage | null {
  const name = runtime === "gpu-cl" ? "GPU" : "XNNPACK";
  return output.coverages.find((coverage) => coverage.name === name) ?? null;
}

/** Why what ran is not the scenario's runtime, in words, or null. The tool ends well in all these cases. */
export function findOtherRuntime(
  runtime: Runtime,
  kind: ToolKind,
  output: Pick<BenchmarkOutput, "coverages" | "delegates" | "unconsumed" | "problems" | "xnnpackCreated">,
): string | null {
  const ignored = output.unconsumed.filter((flag) => /^--(?:use_|gpu_|num_threads|xnnpack_)/.test(flag));
  if (ignored.length > 0) return `the benchmark ignored ${ignored.join(" ")}`;
  const coverage = findCoverage(runtime, output);
  if (runtime === "gpu-cl") return findOtherGpu(coverage, output.problems);
  const applied = output.delegates.includes("XNNPACK");
  if (runtime === "tflite")
    // Tools before 2.6 apply it by themselves whatever they are told, and only say that they made one.
    return applied || output.xnnpackCreated || (coverage && coverage.coverage !== "none")
      ? "the benchmark applied XNNPACK where the builtin kernels were asked for"
      : null;
  if (coverage?.coverage === "none") return "XNNPACK took nothing of the network: the builtin kernels ran it";
  // LiteRT's second tool always applies it and says nothing.
  if (!applied && !coverage && kind !== "benchmark_litert_model")
    return "the benchmark does not say that it applied XNNPACK";
  return null;
}

function findOtherGpu(coverage: DelegateCoverage | null, problems: readonly string[]): string | null {
  if (!coverage || coverage.coverage === "none")
    return "the GPU took nothing of the network: the benchmark fell back to the CPU";
  const mixed = problems.find((problem) => /GPU delegate used both/.test(problem));
  if (mixed || (coverage.backend !== null && coverage.backend !== "OpenCL"))
    return `the benchmark fell back to ${mixed ? "OpenGL" : coverage.backend} where OpenCL was asked for`;
  return null;
}

/** What a tool's statistics give of a cell. */
export interface AggregateVerdict {
  latencyMs: number;
  /** Half the interquartile range, as far as it can be told: of a normal distribution's from p5 and p95 or the deviation. */
  spreadMs: number;
  count: number;
  /** Why the cell is noisy, in words, or null. */
  noise: string | null;
}

// A normal distribution's quartile and 95th percentile lie this many deviations from its mean.
const quartile = 0.6745;
const percentile95 = 1.6449;
const tolerableScatter = 0.25;

/** Judges a cell by the statistics of its measured runs; null when the tool did not tell a single time. */
export function judgeAggregate(
  output: Pick<BenchmarkOutput, "measured" | "averageMs">,
): AggregateVerdict | null {
  const { measured } = output;
  const averageMs = measured?.averageMs ?? output.averageMs;
  const latencyMs = measured?.medianMs ?? averageMs;
  if (latencyMs === null || !(latencyMs > 0)) return null;
  const { p5Ms = null, p95Ms = null, stdMs = null, count = 0 } = measured ?? {};
  const spreadMs =
    p5Ms !== null && p95Ms !== null
      ? ((p95Ms - p5Ms) / 2) * (quartile / percentile95)
      : (stdMs ?? 0) * quartile;
  const meanMs = averageMs ?? latencyMs;
  const noise =
    stdMs !== null && stdMs > meanMs * tolerableScatter
      ? `the inferences scatter by ${formatMs(stdMs)} (standard deviation) around ${formatMs(meanMs)}`
      : null;
  return { latencyMs, spreadMs: Math.max(0, spreadMs), count, noise };
}
