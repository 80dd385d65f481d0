/** The flags of the host benchmark: those of TFLite's `benchmark_model`, and a few of its own that the official tool ignores. */
export interface BenchmarkFlags {
  graph: string;
  num_threads: number;
  num_runs: number;
  warmup_runs: number;
  min_secs: number;
  max_secs: number;
  warmup_min_secs: number;
  enable_op_profiling: boolean;
  op_profiling_output_mode: string;
  op_profiling_output_file: string;
  profiling_output_csv_file: string;
  use_xnnpack: boolean;
  report_peak_memory_footprint: boolean;
  verbose: boolean;
  /** Own: a small network run between blocks of inferences to tell the speed state; empty for none. */
  canary_graph: string;
  /** Own: the canary's time in the fast state in µs; 0 estimates it from this process's own readings. */
  canary_reference_us: number;
  /** Own: JSON file that gets every raw sample of the measured runs. */
  samples_output_file: string;
}

type FlagName = keyof BenchmarkFlags;

interface FlagDescription {
  name: FlagName;
  default: string | number | boolean;
  /** The label in the log of given parameters, as the official tool words it. */
  label: string;
  help: string;
}

// Defaults are those of benchmark_model, except XNNPACK, which the C library only applies on request.
const descriptions: FlagDescription[] = [
  { name: "num_runs", default: 50, label: "Min num runs", help: "expected number of runs" },
  { name: "min_secs", default: 1, label: "Min runs duration (seconds)", help: "minimum seconds to run for" },
  {
    name: "max_secs",
    default: 150,
    label: "Max runs duration (seconds)",
    help: "maximum seconds to run for",
  },
  { name: "num_threads", default: 1, label: "Num threads", help: "number of threads" },
  { name: "warmup_runs", default: 1, label: "Min warmup runs", help: "runs before measuring" },
  {
    name: "warmup_min_secs",
    default: 0.5,
    label: "Min warmup runs duration (seconds)",
    help: "minimum seconds to warm up for",
  },
  { name: "graph", default: "", label: "Graph", help: "path of the .tflite file" },
  { name: "enable_op_profiling", default: false, label: "Enable op profiling", help: "time each op" },
  {
    name: "op_profiling_output_mode",
    default: "stdout",
    label: "Op profiling output mode.",
    help: "stdout or csv",
  },
  {
    name: "op_profiling_output_file",
    default: "",
    label: "Op profiling output file.",
    help: "file for the op profile",
  },
  {
    name: "profiling_output_csv_file",
    default: "",
    label: "CSV File to export profiling data to",
    help: "older name: csv mode and the file at once",
  },
  { name: "use_xnnpack", default: false, label: "Use xnnpack", help: "apply the XNNPACK delegate" },
  {
    name: "report_peak_memory_footprint",
    default: false,
    label: "Report the peak memory footprint",
    help: "report peak memory",
  },
  { name: "verbose", default: false, label: "Log parameter values verbosely", help: "log every parameter" },
  { name: "canary_graph", default: "", label: "Canary graph", help: "network that tells the speed state" },
  {
    name: "canary_reference_us",
    default: 0,
    label: "Canary reference (us)",
    help: "its time in the fast state; 0 estimates it",
  },
  {
    name: "samples_output_file",
    default: "",
    label: "Samples output file",
    help: "JSON file of raw samples",
  },
];

/** What the command line asked for, and the log lines that the official tool prints about it. */
export interface ParsedFlags {
  flags: BenchmarkFlags;
  unconsumed: string[];
  /** `Label: [value]` for each flag given. */
  given: string[];
  help: boolean;
}

/** Reads `--name=value` flags; a bad value throws an Error in the official tool's manner; unknown ones are only listed. */
export function parseBenchmarkFlags(argv: readonly string[]): ParsedFlags {
  const values: Record<string, string | number | boolean> = {};
  for (const description of descriptions) values[description.name] = description.default;
  const unconsumed: string[] = [];
  const given = new Map<FlagName, string>();
  let help = false;
  for (const argument of argv) {
    if (argument === "--help" || argument === "--help=true") {
      help = true;
      continue;
    }
    const match = /^--([a-z_0-9]+)=(.*)$/s.exec(argument);
    const description = match && descriptions.find((candidate) => candidate.name === match[1]);
    if (!match || !description) {
      unconsumed.push(argument);
      continue;
    }
    values[description.name] = readValue(description, match[2]!);
    given.set(description.name, `${description.label}: [${formatGiven(values[description.name]!)}]`);
  }
  const flags = values as unknown as BenchmarkFlags;
  if (flags.profiling_output_csv_file) {
    flags.op_profiling_output_mode = "csv";
    flags.op_profiling_output_file ||= flags.profiling_output_csv_file;
  }
  if (!["stdout", "csv"].includes(flags.op_profiling_output_mode))
    throw new Error(
      `Output mode${flags.op_profiling_output_mode} is not supported. Supported values are: 'stdout' and 'csv'.`,
    );
  const ordered = descriptions.map(({ name }) => given.get(name)).filter((line) => line !== undefined);
  return { flags, unconsumed, given: ordered, help };
}

function readValue(description: FlagDescription, text: string): string | number | boolean {
  if (typeof description.default === "string") return text;
  if (typeof description.default === "boolean") {
    if (/^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
  } else {
    const value = Number(text);
    if (text !== "" && Number.isFinite(value)) return value;
  }
  throw new Error(`Failed to parse the flag --${description.name}=${text}`);
}

function formatGiven(value: string | number | boolean): string {
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value);
}

/** The usage text of `--help`. */
export function describeUsage(program: string): string {
  const lines = descriptions.map(({ name, default: value, help }) => `\t--${name}=${value}\t${help}`);
  return [`usage: ${program} <flags>`, "Flags:", ...lines, ""].join("\n");
}
