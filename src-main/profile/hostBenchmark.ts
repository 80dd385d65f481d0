/**
 * The host's `benchmark_model`: TFLite's command line and output, run on TFLite's C library through a foreign function
 * interface, with a canary of its own. A program, started by the runner pinned to a core set.
 */
import { closeSync, existsSync, fstatSync, openSync, statSync, writeFileSync } from "node:fs";
import { operatorName } from "../model/operators.ts";
import { createRandom } from "../model/random.ts";
import { type BenchmarkFlags, describeUsage, parseBenchmarkFlags } from "./benchmarkFlags.ts";
import { type ProfiledNode, formatCounts, formatDouble, formatProfileCsv } from "./benchmarkReport.ts";
import { type Watched, watchSamples } from "./canaryWatch.ts";
import { SchedulerWait } from "./schedulerWait.ts";
import type { SamplesFile } from "./samplesFile.ts";
import { chooseTolerance, judgeSamples, quantile } from "./speedState.ts";
import { TfliteInterpreter, type TfliteLibrary, loadTflite, locateTfliteLibrary } from "./tfliteLibrary.ts";

const nowUs = (): number => performance.now() * 1000;

class BenchmarkError extends Error {}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(lines: string[]): never {
  throw new BenchmarkError([...lines, "Benchmarking failed."].map((line) => `ERROR: ${line}`).join("\n"));
}

function megabytes(bytes: number): string {
  return formatDouble(bytes / 2 ** 20);
}

function residentPeak(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function loadLibrary(): TfliteLibrary {
  const path = locateTfliteLibrary();
  if (!path) fail([`no TensorFlow Lite library for ${process.platform} ${process.arch} is installed`]);
  return loadTflite(path);
}

// TFLite aborts the process on some files it cannot map; say it in its words before it does.
function checkFile(path: string): number {
  if (!existsSync(path) || !statSync(path).isFile())
    fail([`Could not open '${path}'.`, "The model allocation is null/empty", `Failed to load model ${path}`]);
  const file = openSync(path, "r");
  const size = fstatSync(file).size;
  closeSync(file);
  if (size === 0) fail(["The model allocation is null/empty", `Failed to load model ${path}`]);
  return size;
}

// Random inputs: constant zeros would let denormals and early-outs flatter some kernels.
function fillRandom(interpreter: TfliteInterpreter): void {
  const random = createRandom(1);
  interpreter.fillInputs((bytes, type) => {
    if (type === 1 && bytes.byteOffset % 4 === 0) {
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      for (let index = 0; index < values.length; index++) values[index] = random.next() - 0.5;
    } else if (type === 3 || type === 9 || type === 7) {
      for (let index = 0; index < bytes.length; index++) bytes[index] = Math.floor(random.next() * 256);
    } else bytes.fill(0);
  });
}

function openInterpreter(library: TfliteLibrary, path: string, flags: BenchmarkFlags, plain: boolean) {
  return new TfliteInterpreter(library, path, {
    threads: Math.max(1, flags.num_threads),
    xnnpack: flags.use_xnnpack && !plain,
    timeNodes: flags.enable_op_profiling && !plain,
    operatorName,
  });
}

function describePhase(count: number, minSecs: number, maxSecs: number): string {
  return `INFO: Running benchmark for at least ${count} iterations and at least ${formatDouble(minSecs)} seconds but terminate if exceeding ${formatDouble(maxSecs)} seconds.`;
}

// Mean of the middle half: as steady as a median, and still adds up over ops.
function midMean(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const cut = Math.floor(sorted.length / 4);
  const middle = sorted.subarray(cut, sorted.length - cut);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

function profileNodes(interpreter: TfliteInterpreter, rows: Float64Array[], kept: boolean[]): ProfiledNode[] {
  const used = kept.some(Boolean) ? rows.filter((_, index) => kept[index]) : rows;
  return interpreter.plan.map((node, index) => ({
    type: node.type,
    name: `[${node.outputs.join(", ")}]:${node.node}`,
    firstUs: rows[0]?.[index] ?? 0,
    avgUs: midMean(used.map((row) => row[index]!)),
  }));
}

function writeSamples(path: string, watched: Watched, details: Partial<SamplesFile>, threads: number): void {
  const { samples } = watched;
  const file: SamplesFile = {
    format: 1,
    referenceUs: watched.referenceUs,
    threads,
    canaryUs: watched.canaryUs,
    atUs: samples.map((sample) => sample.atUs),
    us: samples.map((sample) => sample.us),
    canaryBeforeUs: samples.map((sample) => sample.canaryBeforeUs),
    canaryAfterUs: samples.map((sample) => sample.canaryAfterUs),
    waitedUs: samples.map((sample) => sample.waitedUs),
    initUs: 0,
    firstInferenceUs: 0,
    runtimeVersion: "",
    ...details,
  };
  writeFileSync(path, JSON.stringify(file));
}

function reportMemory(startPeak: number, initPeak: number, withPeak: boolean): void {
  print(
    "INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.",
  );
  print(
    `INFO: Memory footprint delta from the start of the tool (MB): init=${megabytes(initPeak - startPeak)} overall=${megabytes(residentPeak() - startPeak)}`,
  );
  if (withPeak)
    print(`INFO: Overall peak memory footprint (MB) via periodic monitoring: ${megabytes(residentPeak())}`);
}

function runBenchmark(argv: readonly string[]): void {
  let parsed: ReturnType<typeof parseBenchmarkFlags>;
  try {
    parsed = parseBenchmarkFlags(argv);
  } catch (error) {
    fail([(error as Error).message]);
  }
  const { flags, unconsumed, given, help } = parsed;
  if (help) {
    process.stderr.write(describeUsage("host_benchmark_model"));
    process.exitCode = 1;
    return;
  }
  print("INFO: STARTING!");
  if (unconsumed.length > 0) print(`WARN: Unconsumed cmdline flags: ${unconsumed.join(" ")}`);
  print(`INFO: Log parameter values verbosely: [${flags.verbose ? 1 : 0}]`);
  for (const line of given) print(`INFO: ${line}`);
  if (!flags.graph) fail(["Please specify the name of your TF Lite input file with --graph"]);
  const size = checkFile(flags.graph);
  const library = loadLibrary();
  const startPeak = residentPeak();

  const initStart = nowUs();
  const interpreter = openReporting(library, flags);
  const initUs = nowUs() - initStart;
  const initPeak = residentPeak();
  if (flags.use_xnnpack) print("INFO: Explicitly applied XNNPACK delegate.");
  print(`INFO: Loaded model ${flags.graph}`);
  print(`INFO: The input model file size (MB): ${formatDouble(size / 1e6)}`);
  print(`INFO: Initialized session in ${formatDouble(initUs / 1000)}ms.`);
  fillRandom(interpreter);
  const canary = flags.canary_graph ? openInterpreter(library, flags.canary_graph, flags, true) : null;
  if (canary) fillRandom(canary);

  print(describePhase(flags.warmup_runs, flags.warmup_min_secs, flags.max_secs));
  const warmup = measurePhase(interpreter, flags.warmup_runs, flags.warmup_min_secs, flags.max_secs);
  print(`INFO: ${formatCounts(warmup)}\n`);
  if (canary) measurePhase(canary, 3, 0, 1);

  print(describePhase(flags.num_runs, flags.min_secs, flags.max_secs));
  const rows: Float64Array[] = [];
  const parent = process.ppid;
  const wait = new SchedulerWait();
  const tolerance = chooseTolerance(flags.num_threads);
  const timed = interpreter.plan.length > 0;
  const watched = watchSamples(
    () => {
      // The lab was killed: nobody will read the result, and a benchmark left running would spoil the next one.
      if (process.ppid !== parent) process.exit(1);
      const us = interpreter.invoke();
      if (timed) rows.push(Float64Array.from(interpreter.timings, (timing) => timing.us));
      return us;
    },
    canary ? () => readCanary(canary) : null,
    {
      runs: flags.num_runs,
      minSecs: flags.min_secs,
      maxSecs: flags.max_secs,
      tolerance,
      referenceUs: flags.canary_reference_us,
    },
    { now: nowUs, pause: sleep, waited: () => wait.read() },
  );
  const judgement = judgeSamples(watched.samples, watched.referenceUs, tolerance);
  const all = watched.samples.map((sample) => sample.us);
  const counted = canary && judgement.keptCount > 0 ? all.filter((_, index) => judgement.kept[index]) : all;
  print(`INFO: ${formatCounts(counted)}\n`);
  const average = (times: readonly number[]): string =>
    times.length > 0 ? formatDouble(times.reduce((sum, us) => sum + Math.round(us), 0) / times.length) : "0";
  print(
    `INFO: Inference timings in us: Init: ${Math.round(initUs)}, First inference: ${Math.round(warmup[0] ?? 0)}, Warmup (avg): ${average(warmup)}, Inference (avg): ${average(counted)}`,
  );
  if (canary) {
    const state = quantile(watched.canaryUs, 0.5) <= watched.referenceUs * tolerance.canary ? "fast" : "slow";
    print(
      `INFO: Canary: kept ${judgement.keptCount} of ${all.length} runs, reference ${Math.round(watched.referenceUs)} us, state mostly ${state}`,
    );
  }
  reportMemory(startPeak, initPeak, flags.report_peak_memory_footprint);
  if (flags.samples_output_file)
    writeSamples(
      flags.samples_output_file,
      watched,
      { initUs, firstInferenceUs: warmup[0] ?? 0, runtimeVersion: library.version() },
      Math.max(1, flags.num_threads),
    );
  if (timed) {
    const sums = rows.map((row) => row.reduce((sum, us) => sum + us, 0));
    const nodes = profileNodes(interpreter, rows, judgement.kept);
    const text = formatProfileCsv(
      nodes,
      sums.filter((_, index) => !canary || judgement.kept[index]),
    );
    writeProfile(flags, text);
  }
  canary?.close();
  interpreter.close();
}

function openReporting(library: TfliteLibrary, flags: BenchmarkFlags): TfliteInterpreter {
  try {
    return openInterpreter(library, flags.graph, flags, false);
  } catch (error) {
    fail([(error as Error).message]);
  }
}

// After a network of many megabytes the canary's first run is some 14 % slower: its weights have left the cache. The best of
// three is warm, and no single interruption makes the device look slow.
function readCanary(canary: TfliteInterpreter): number {
  return Math.min(canary.invoke(), canary.invoke(), canary.invoke());
}

function measurePhase(
  interpreter: TfliteInterpreter,
  runs: number,
  minSecs: number,
  maxSecs: number,
): number[] {
  const limits = { runs, minSecs, maxSecs, tolerance: chooseTolerance(1), referenceUs: 0 };
  if (runs <= 0 && minSecs <= 0) return [];
  const clock = { now: nowUs, pause: sleep, waited: () => null };
  return watchSamples(() => interpreter.invoke(), null, limits, clock).samples.map((sample) => sample.us);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function sleep(us: number): void {
  Atomics.wait(sleeper, 0, 0, us / 1000);
}

// Like the official tool, a report that cannot be written where it was asked for still comes, on stdout.
function writeProfile(flags: BenchmarkFlags, text: string): void {
  if (flags.op_profiling_output_file) {
    try {
      writeFileSync(flags.op_profiling_output_file, text);
      return;
    } catch {
      print(`WARN: Failed to open ${flags.op_profiling_output_file}`);
    }
  }
  process.stdout.write(text);
}

try {
  runBenchmark(process.argv.slice(2));
} catch (error) {
  const text =
    error instanceof BenchmarkError
      ? error.message
      : `ERROR: ${(error as Error).message}\nERROR: Benchmarking failed.`;
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}
