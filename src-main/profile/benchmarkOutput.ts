/**
 * Reading what TFLite's `benchmark_model` and the host benchmark print. Formats seen in TFLite 2.3 to 2.14 and LiteRT 2.1;
 * lines may carry a severity prefix (2.13 and later) or none. Times come in µs and leave in ms.
 */

/** The statistics of one phase's `count=…` line; null where the line does not tell them. */
export interface PhaseTimes {
  count: number;
  averageMs: number | null;
  minMs: number | null;
  maxMs: number | null;
  stdMs: number | null;
  medianMs: number | null;
}

/** What the tool's stdout and stderr tell. */
export interface BenchmarkOutput {
  initMs: number | null;
  firstInferenceMs: number | null;
  averageMs: number | null;
  /** The measured phase, after the warm-up. */
  measured: PhaseTimes | null;
  peakMemoryBytes: number | null;
  /** Flags the tool did not know and ignored. */
  unconsumed: string[];
  /** Delegates the tool says it applied on request. */
  delegates: string[];
  /** `ERROR:` lines of stderr without their prefix. */
  errors: string[];
}

// Output comes from another machine: past this it is not a benchmark's.
const longestOutput = 16_000_000;

function splitLines(text: string): string[] {
  return text
    .slice(0, longestOutput)
    .split(/\r?\n/)
    .map((line) => line.replace(/^(INFO|WARN|WARNING|ERROR|FATAL): /, ""));
}

function toNumber(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function toMs(text: string | undefined): number | null {
  const value = toNumber(text);
  return value === null ? null : value / 1000;
}

/** Reads the `key=value` pairs of a `count=…` line; null for any other line. */
export function parseCounts(line: string): PhaseTimes | null {
  if (!line.startsWith("count=")) return null;
  const fields = new Map(
    [...line.matchAll(/([a-z0-9]+)=([-+0-9.eE]+)/g)].map((match) => [match[1]!, match[2]!]),
  );
  const count = toNumber(fields.get("count"));
  if (count === null || !Number.isInteger(count) || count < 0) return null;
  // One run, and runs that all took the same, print only the current value.
  const single = toMs(fields.get("curr"));
  const only = count === 1 || line.includes("(all same)") ? single : null;
  return {
    count,
    averageMs: toMs(fields.get("avg")) ?? only,
    minMs: toMs(fields.get("min")) ?? only,
    maxMs: toMs(fields.get("max")) ?? only,
    stdMs: toMs(fields.get("std")) ?? (only === null ? null : 0),
    medianMs: toMs(fields.get("median")) ?? only,
  };
}

/** Reads the tool's two streams; what is not there is null or empty, never guessed. */
export function parseBenchmarkOutput(stdout: string, stderr: string): BenchmarkOutput {
  const output: BenchmarkOutput = {
    initMs: null,
    firstInferenceMs: null,
    averageMs: null,
    measured: null,
    peakMemoryBytes: null,
    unconsumed: [],
    delegates: [],
    errors: [],
  };
  let phases = 0;
  let profiling = false;
  for (const line of splitLines(stdout)) {
    // The op profile repeats a count= line of its own in "Timings (microseconds)"; it starts with that title, not with count=.
    if (line.startsWith("=====")) profiling = true;
    const counts = profiling ? null : parseCounts(line);
    if (counts) {
      phases++;
      if (phases >= 2) output.measured = counts;
    }
    readTimings(line, output);
    readMemory(line, output);
    const unconsumed = /^Unconsumed cmdline flags: (.*)$/.exec(line);
    if (unconsumed) output.unconsumed.push(...unconsumed[1]!.trim().split(/\s+/));
    const delegate = /^Explicitly applied (\S+) delegate/.exec(line);
    if (delegate) output.delegates.push(delegate[1]!);
  }
  output.errors = stderr
    .slice(0, longestOutput)
    .split(/\r?\n/)
    .filter((line) => /^(ERROR|FATAL): /.test(line))
    .map((line) => line.replace(/^(ERROR|FATAL): /, "").trim())
    .filter((line) => line !== "" && line !== "Benchmarking failed.");
  return output;
}

function readTimings(line: string, output: BenchmarkOutput): void {
  const match =
    /^Inference timings in us: Init: ([^,]+), First inference: ([^,]+), Warmup \(avg\): ([^,]+), Inference \(avg\): (\S+)/.exec(
      line,
    );
  if (!match) return;
  output.initMs = toMs(match[1]);
  output.firstInferenceMs = toMs(match[2]);
  const average = toMs(match[4]);
  // A dry run prints zeros; a network that takes no time was not measured.
  output.averageMs = average === 0 ? null : average;
}

function readMemory(line: string, output: BenchmarkOutput): void {
  const match = /^Overall peak memory footprint \(MB\) via periodic monitoring: (\S+)/.exec(line);
  const megabytes = toNumber(match?.[1]);
  if (megabytes !== null) output.peakMemoryBytes = Math.round(megabytes * 2 ** 20);
}

/** One row of the op profile's run order. */
export interface ProfileRow {
  type: string;
  /** Tensor or delegate name without the `:index` that ends it. */
  name: string;
  /** The index behind the name: a graph op's, or a delegate node's beyond the graph; null when there is none. */
  node: number | null;
  firstMs: number;
  averageMs: number;
  timesCalled: number;
}

const plain = String.raw`[-+0-9.eE]+`;
// Operator types of XNNPACK and names of several outputs hold commas, so the numbers in the middle are what is fixed.
const currentRow = new RegExp(
  `^\\s*(.+?),\\s*(${plain}),\\s*(${plain}),\\s*(${plain})%,\\s*(${plain})%,\\s*(${plain}),\\s*(\\d+),\\s*(.*)$`,
);
const olderRow = new RegExp(
  `^\\s*(.+?),\\s*(${plain}),\\s*(${plain}),\\s*(${plain}),\\s*(${plain})%,\\s*(${plain})%,\\s*(${plain}),\\s*(\\d+),\\s*(.*)$`,
);

/**
 * Reads the run order of the inference profile from the tool's CSV report: several tables with title lines, of which the
 * initialisation's and "Top by Computation Time" are passed over. Unreadable rows are skipped and counted.
 */
export function parseProfileCsv(text: string): { rows: ProfileRow[]; skipped: number } {
  const rows: ProfileRow[] = [];
  let skipped = 0;
  let inferences = false;
  let table = "";
  let withStart = false;
  for (const line of splitLines(text)) {
    if (/^Profiling Info for Benchmark Initialization/.test(line)) inferences = false;
    if (/^Operator-wise Profiling Info/.test(line)) inferences = true;
    const heading = /^=+ (.+?) =+$/.exec(line.trim());
    if (heading) table = heading[1]!;
    else if (line.trim() === "") table = "";
    else if (line.trimStart().startsWith("node type,")) withStart = /,\s*start\s*,/.test(line);
    else if (inferences && table === "Run Order") {
      const row = parseProfileRow(line, withStart);
      if (row) rows.push(row);
      else skipped++;
    }
  }
  return { rows, skipped };
}

function parseProfileRow(line: string, withStart: boolean): ProfileRow | null {
  const match = (withStart ? olderRow : currentRow).exec(line);
  if (!match) return null;
  const shift = withStart ? 1 : 0;
  const firstMs = toNumber(match[2 + shift]);
  const averageMs = toNumber(match[3 + shift]);
  const timesCalled = toNumber(match[7 + shift]);
  if (firstMs === null || averageMs === null || timesCalled === null) return null;
  const named = /^\[?(.*?)\]?:(\d+)$/.exec(match[8 + shift]!.trim());
  return {
    type: match[1]!.trim(),
    name: named ? named[1]! : match[8 + shift]!.trim(),
    node: named ? Number(named[2]) : null,
    firstMs,
    averageMs,
    timesCalled,
  };
}
