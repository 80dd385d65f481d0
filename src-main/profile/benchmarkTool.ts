/** What a benchmark program can do, told by its own `--help`: nothing that TFLite's tool prints names its version. */
import type { Precision, Runtime } from "../lab/contract.ts";
import { readLines } from "./outputLine.ts";
import type { PassPlan } from "./plan.ts";

/**
 * `benchmark_model` is TFLite's and LiteRT's, `benchmark_litert_model` LiteRT's second one with other flags, `host` the lab's
 * own, which also tells each sample.
 */
export type ToolKind = "benchmark_model" | "benchmark_litert_model" | "host" | "unknown";

/** The flags a program knows, and what follows from them. */
export interface ToolCapabilities {
  kind: ToolKind;
  flags: ReadonlySet<string>;
  /** How its op profile leaves it: a mode and a file (LiteRT), a CSV file (2.2 and later), only on stdout, or not at all. */
  opProfile: "mode" | "csv" | "stdout" | "none";
  gpu: boolean;
  /** It can be held to OpenCL; without that it may fall back to OpenGL. */
  gpuBackend: boolean;
  /** XNNPACK can be told to compute in float16. */
  forceFloat16: boolean;
  /** `--use_xnnpack=false` also turns off the XNNPACK that the runtime applies by itself (2.6 and later). */
  turnsXnnpackOff: boolean;
  /** It tells every sample, and the canary's. */
  samples: boolean;
}

// A flag's line: tab, `--name=default`, in official tools also type and text in columns.
const flagLine = /^\s{0,8}--([a-z][a-z0-9_]{0,60})=/;

/** Reads the usage text of `--help`, which comes on stderr (with exit code 1) or on stdout. */
export function parseHelp(text: string): ToolCapabilities {
  const flags = new Set<string>();
  readLines(text, (line) => {
    const match = flagLine.exec(line.text);
    if (match && flags.size < 1000) flags.add(match[1]!);
  });
  return {
    kind: tellKind(flags),
    flags,
    opProfile: !flags.has("enable_op_profiling")
      ? "none"
      : flags.has("op_profiling_output_mode") && flags.has("op_profiling_output_file")
        ? "mode"
        : flags.has("profiling_output_csv_file")
          ? "csv"
          : "stdout",
    gpu: flags.has("use_gpu"),
    gpuBackend: flags.has("gpu_backend"),
    forceFloat16: flags.has("xnnpack_force_fp16"),
    // The flag came with 2.3 or so; `dry_run` with the version whose flag works.
    turnsXnnpackOff: flags.has("use_xnnpack") && (flags.has("dry_run") || flags.has("samples_output_file")),
    samples: flags.has("samples_output_file"),
  };
}

function tellKind(flags: ReadonlySet<string>): ToolKind {
  if (!flags.has("graph") || !flags.has("num_runs")) return "unknown";
  if (flags.has("samples_output_file")) return "host";
  if (flags.has("enable_op_profiling")) return "benchmark_model";
  return flags.has("use_cpu") ? "benchmark_litert_model" : "unknown";
}

// Newest first: the flag that came with a version, and the versions without the next one.
const versions: readonly (readonly [flag: string, name: string])[] = [
  ["result_file_path", "LiteRT 2.1 or later"],
  ["op_profiling_output_mode", "TensorFlow Lite 2.17 to 2.21 or LiteRT to 2.0"],
  ["tensor_name_display_length", "TensorFlow Lite 2.14 to 2.16"],
  ["disable_delegate_clustering", "TensorFlow Lite 2.11 to 2.13"],
  ["optimize_memory_for_large_tensors", "TensorFlow Lite 2.10"],
  ["allow_dynamic_profiling_buffer_increase", "TensorFlow Lite 2.9"],
  ["release_dynamic_tensors", "TensorFlow Lite 2.8"],
  ["report_peak_memory_footprint", "TensorFlow Lite 2.7"],
  ["dry_run", "TensorFlow Lite 2.6"],
  ["run_frequency", "TensorFlow Lite 2.5"],
  ["verbose", "TensorFlow Lite 2.4"],
  ["profiling_output_csv_file", "TensorFlow Lite 2.2 or 2.3"],
];

/** A line for provenance: what the program is, as closely as its flags tell. */
export function describeTool(capabilities: ToolCapabilities): string {
  switch (capabilities.kind) {
    case "host":
      return "the lab's own benchmark";
    case "benchmark_litert_model":
      return "LiteRT benchmark_litert_model (2025-03 or later by its flags)";
    case "unknown":
      return "an unknown program";
    case "benchmark_model": {
      const known = versions.find(([flag]) => capabilities.flags.has(flag));
      return `${known?.[1] ?? "TensorFlow Lite before 2.2"}, benchmark_model (by its flags)`;
    }
  }
}

/** One process of a benchmark program on a device; paths are the device's. */
export interface BenchmarkRequest {
  graph: string;
  threads: number;
  runtime: Runtime;
  precision: Precision;
  plan: PassPlan;
  /** Times each op instead of the whole: never both in one process, as timing ops costs time. */
  perOp: boolean;
  /** Where the op profile goes; stdout takes it where the program cannot write it to a file. */
  profilePath: string;
  /** Where a program that tells each sample writes them. */
  samplesPath?: string | null | undefined;
  canary?: { graph: string; referenceUs: number } | null | undefined;
}

/** The command line of a pass, or why there is none. */
export interface FlagList {
  flags: string[];
  /** Flags that were wished for and that this program does not know. */
  leftOut: string[];
  /** The op profile goes to `profilePath`; otherwise it comes on stdout. */
  profileInFile: boolean;
  /** Why this program cannot measure what was asked for; then there are no flags. */
  problem: string | null;
}

/** The flags of one pass for a program of these capabilities; flags it does not know would be ignored without an error. */
export function listBenchmarkFlags(request: BenchmarkRequest, capabilities: ToolCapabilities): FlagList {
  const problem = findProblem(request, capabilities);
  if (problem) return { flags: [], leftOut: [], profileInFile: false, problem };
  const wished: [name: string, value: string | number | boolean][] = [
    ["graph", request.graph],
    ["num_threads", request.threads],
    ["warmup_runs", 1],
    ["warmup_min_secs", request.plan.warmupSecs],
    ["num_runs", request.plan.runs],
    ["min_secs", request.plan.minSecs],
    ["max_secs", request.plan.maxSecs],
    ...listRuntimeFlags(request, capabilities),
  ];
  const optional = listOptionalFlags(request, capabilities).filter(([name]) => capabilities.flags.has(name));
  const known = wished.filter(([name]) => capabilities.flags.has(name));
  return {
    // A flag and its value are one word: `--flag value` is not read.
    flags: [...known, ...optional].map(([name, value]) => `--${name}=${value}`),
    leftOut: wished
      .filter(([name]) => !capabilities.flags.has(name))
      .map(([name, value]) => `--${name}=${value}`),
    profileInFile: request.perOp && capabilities.opProfile !== "stdout",
    problem: null,
  };
}

type Flag = [name: string, value: string | number | boolean];

function listRuntimeFlags(request: BenchmarkRequest, capabilities: ToolCapabilities): Flag[] {
  const { runtime, precision } = request;
  if (capabilities.kind === "benchmark_litert_model") {
    if (runtime !== "gpu-cl") return [["use_cpu", true]];
    return [
      ["use_gpu", true],
      ["allow_fp16", precision !== "float32"],
    ];
  }
  if (runtime === "xnnpack")
    return precision === "float16"
      ? [
          ["use_xnnpack", true],
          ["xnnpack_force_fp16", true],
        ]
      : [["use_xnnpack", true]];
  if (runtime === "tflite") return [["use_xnnpack", false]];
  return [
    ["use_gpu", true],
    // Without it a phone whose OpenCL fails is measured on OpenGL, which is another runtime.
    ["gpu_backend", "cl"],
    ["gpu_precision_loss_allowed", precision !== "float32"],
    ["gpu_experimental_enable_quant", precision === "int8"],
    // What the GPU leaves behind is to run on the builtin kernels: their rows carry the graph's node indices, while the
    // XNNPACK that the runtime applies by itself would fuse them into operators nobody can join or predict.
    ["use_xnnpack", false],
  ];
}

/** Flags that make the result better but not different; a program without them is used all the same. */
function listOptionalFlags(request: BenchmarkRequest, capabilities: ToolCapabilities): Flag[] {
  const flags: Flag[] = [];
  const host = capabilities.kind === "host";
  if (request.perOp) {
    flags.push(["enable_op_profiling", true]);
    if (capabilities.opProfile === "mode")
      flags.push(["op_profiling_output_mode", "csv"], ["op_profiling_output_file", request.profilePath]);
    else if (capabilities.opProfile === "csv") flags.push(["profiling_output_csv_file", request.profilePath]);
    // Events beyond a full buffer are dropped with nothing but a warning.
    flags.push(["allow_dynamic_profiling_buffer_increase", true]);
  }
  // The official tool's thread that watches memory disturbs what it measures, so it runs beside the pass disturbed anyway.
  if (request.perOp || host) flags.push(["report_peak_memory_footprint", true]);
  if (request.samplesPath) flags.push(["samples_output_file", request.samplesPath]);
  if (request.canary)
    flags.push(["canary_graph", request.canary.graph], ["canary_reference_us", request.canary.referenceUs]);
  return flags;
}

function findProblem(request: BenchmarkRequest, capabilities: ToolCapabilities): string | null {
  const { runtime, precision } = request;
  const { flags, kind } = capabilities;
  if (kind === "unknown") return "its --help is not that of a benchmark_model";
  if (request.perOp && capabilities.opProfile === "none") return "this program cannot time single ops";
  if (runtime === "gpu-cl") {
    if (!capabilities.gpu) return "this program was built without GPU support (no --use_gpu)";
    if (kind === "benchmark_litert_model") {
      if (precision === "float32" && !flags.has("allow_fp16"))
        return "this program cannot be told to compute in float32 on the GPU";
    } else if (precision === "float32" && !flags.has("gpu_precision_loss_allowed"))
      return "this program cannot be told to compute in float32 on the GPU (no --gpu_precision_loss_allowed)";
    else if (precision === "int8" && !flags.has("gpu_experimental_enable_quant"))
      return "this program's GPU takes no int8 networks (no --gpu_experimental_enable_quant)";
    return null;
  }
  if (kind === "benchmark_litert_model") {
    if (runtime === "tflite") return "this program always applies XNNPACK and cannot run the builtin kernels";
    return precision === "float16" ? "this program cannot be told to compute in float16 on the CPU" : null;
  }
  if (runtime === "xnnpack" && !flags.has("use_xnnpack"))
    return "this program does not know XNNPACK (no --use_xnnpack)";
  if (precision === "float16" && runtime === "tflite") return "the builtin kernels do not compute in float16";
  if (precision === "float16" && !capabilities.forceFloat16)
    return "this program cannot be told to compute in float16 on the CPU (no --xnnpack_force_fp16)";
  return null;
}
