import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CoreSet, Runtime } from "../lab/contract.ts";
import { cancelled } from "../lab/errors.ts";
import { pinCommand } from "./pinning.ts";
import type { PassPlan } from "./plan.ts";
import { type SamplesFile, parseSamplesFile } from "./samplesFile.ts";
import { loadTflite, locateTfliteLibrary } from "./tfliteLibrary.ts";

/** The TFLite library of this computer, or why there is none. */
export interface HostLibrary {
  path: string | null;
  version: string | null;
  /** SHA-256 of the library file. */
  hash: string | null;
  problem: string | null;
}

let known: HostLibrary | null = null;

/** Finds and identifies this computer's TFLite library once per process. */
export function findHostLibrary(): HostLibrary {
  known ??= identifyLibrary();
  return known;
}

function identifyLibrary(): HostLibrary {
  const path = locateTfliteLibrary();
  if (!path) {
    const problem = `no TensorFlow Lite library for ${process.platform} ${process.arch} is installed (optional package tfjs-tflite-node)`;
    return { path: null, version: null, hash: null, problem };
  }
  try {
    const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
    return { path, version: loadTflite(path).version(), hash, problem: null };
  } catch (error) {
    return {
      path,
      version: null,
      hash: null,
      problem: `${path} cannot be loaded: ${(error as Error).message}`,
    };
  }
}

/** One process of the host benchmark. */
export interface HostPass {
  modelPath: string;
  coreSet: CoreSet;
  runtime: Runtime;
  plan: PassPlan;
  perOp: boolean;
  canaryPath: string | null;
  canaryReferenceUs: number;
  signal?: AbortSignal | undefined;
}

/** What a process of the host benchmark left behind. */
export interface PassResult {
  flags: string[];
  pinned: boolean;
  exitCode: number | null;
  killedBy: string | null;
  timedOut: boolean;
  stdout: string;
  stderr: string;
  profileCsv: string | null;
  samples: SamplesFile | null;
}

const longestOutput = 4_000_000;
// Loading, allocation and warm-up of the largest networks come on top of the measured time.
const graceMs = 120_000;

// Beside this file: `.ts` when run from source, `.js` when bundled.
function locateProgram(): string {
  const source = fileURLToPath(new URL("./hostBenchmark.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("./hostBenchmark.js", import.meta.url));
}

/** Runs the host benchmark pinned to its core set; rejects only when cancelled or when the process cannot be started. */
export async function runHostPass(pass: HostPass): Promise<PassResult> {
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
  try {
    const csvPath = join(folder, "profile.csv");
    const samplesPath = join(folder, "samples.json");
    const flags = listFlags(pass, csvPath, samplesPath);
    const finished = await runProgram(pass, flags);
    return {
      ...finished,
      // The temporary names say nothing a year later.
      flags: flags.filter((flag) => !flag.includes(folder)),
      profileCsv: existsSync(csvPath) ? readFileSync(csvPath, "utf8") : null,
      samples: existsSync(samplesPath) ? parseSamplesFile(readFileSync(samplesPath, "utf8")) : null,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function listFlags(pass: HostPass, csvPath: string, samplesPath: string): string[] {
  const { plan } = pass;
  const flags = [
    `--graph=${pass.modelPath}`,
    `--num_threads=${pass.coreSet.cpus.length}`,
    `--use_xnnpack=${pass.runtime === "xnnpack"}`,
    `--warmup_runs=1`,
    `--warmup_min_secs=${plan.warmupSecs}`,
    `--num_runs=${plan.runs}`,
    `--min_secs=${plan.minSecs}`,
    `--max_secs=${plan.maxSecs}`,
    `--report_peak_memory_footprint=true`,
    `--samples_output_file=${samplesPath}`,
  ];
  if (pass.canaryPath)
    flags.push(`--canary_graph=${pass.canaryPath}`, `--canary_reference_us=${pass.canaryReferenceUs}`);
  if (pass.perOp)
    flags.push(
      "--enable_op_profiling=true",
      "--op_profiling_output_mode=csv",
      `--op_profiling_output_file=${csvPath}`,
    );
  return flags;
}

type Finished = Pick<PassResult, "exitCode" | "killedBy" | "timedOut" | "stdout" | "stderr" | "pinned">;

function runProgram(pass: HostPass, flags: string[]): Promise<Finished> {
  const pinned = pinCommand(pass.coreSet.mask, process.execPath, [
    "--no-warnings",
    locateProgram(),
    ...flags,
  ]);
  return new Promise((resolve, reject) => {
    if (pass.signal?.aborted) {
      reject(cancelled());
      return;
    }
    const child = spawn(pinned.command, pinned.args, {
      stdio: ["ignore", "pipe", "pipe"],
      // In Electron the executable is Electron itself; this makes it behave as Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    });
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < longestOutput) stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < longestOutput) stderr += text;
    });
    const deadline = setTimeout(
      () => {
        timedOut = true;
        child.kill("SIGKILL");
      },
      pass.plan.maxSecs * 3000 + graceMs,
    );
    const abort = (): void => void child.kill("SIGKILL");
    pass.signal?.addEventListener("abort", abort, { once: true });
    const settle = (): void => {
      clearTimeout(deadline);
      pass.signal?.removeEventListener("abort", abort);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (exitCode, killedBy) => {
      settle();
      if (pass.signal?.aborted) reject(cancelled());
      else resolve({ exitCode, killedBy, timedOut, stdout, stderr, pinned: pinned.pinned });
    });
  });
}
