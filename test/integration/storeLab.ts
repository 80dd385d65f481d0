import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Store } from "../../src-main/store/database.ts";
import { addModel } from "../../src-main/store/models.ts";
import { createRun, type CellResult, type NewRun, type StoredCell } from "../../src-main/store/runs.ts";
import { createRandom, deriveSeed } from "../../src-main/model/random.ts";

/** A fresh temporary folder and the function that removes it. */
export function makeFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "latlab-store-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Adds small stand-ins for models and gives their names. */
export function addModels(store: Store, count: number, prefix = "net"): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}-${index}`;
    const bytes = Buffer.from(`file of ${name}`);
    addModel(store, {
      name,
      family: "tests",
      kind: "sampled",
      bytes,
      ops: 3,
      flops: 1000 + index,
      params: 10,
    });
    return name;
  });
}

export const oneCore = "host/1core/float32/tflite";
export const twoCores = "host/2core/float32/tflite";

/** A run over those models on the host; what is not given is one repetition on one core. */
export function addRun(store: Store, models: string[], other: Partial<NewRun> = {}): number {
  return createRun(store, {
    device: "host",
    deviceName: "test computer",
    scenarios: [oneCore],
    models,
    repetitions: 1,
    seed: 1,
    thoroughness: "quick",
    ...other,
  });
}

/** A whole measurement that the cell's place in the grid decides, so that one can be told from a torn or foreign one. */
export function makeResult(cell: Pick<StoredCell, "model" | "scenario" | "repetition">): CellResult {
  const random = createRandom(deriveSeed(7, cell.model, cell.scenario, cell.repetition));
  const startedAt = new Date(random.int(0, 2 ** 40)).toISOString();
  const latencyMs = 5 + random.next();
  return {
    state: "done",
    samples: Array.from({ length: random.int(50, 200) }, (_, index) => ({
      atMs: index * latencyMs,
      ms: latencyMs + random.next(),
      canaryBeforeMs: random.chance(0.5) ? random.next() : null,
      canaryAfterMs: random.chance(0.5) ? random.next() : null,
      waitedMs: random.chance(0.5) ? random.next() : null,
      kept: random.chance(0.7),
    })),
    opTimes: ["CONV_2D", "ADD", "SOFTMAX"].map((type, op) => ({ op, type, ms: random.next() })),
    provenance: {
      modelHash: cell.model,
      runtimeHash: "runtime",
      runtimeVersion: "2.9.0",
      flags: ["--num_threads=1", "--use_xnnpack=false"],
      coreMask: "0x1",
      frequencyMhzBefore: null,
      frequencyMhzAfter: 2400,
      loadBefore: 0.25,
      loadAfter: 1,
      temperatureCBefore: null,
      temperatureCAfter: null,
      startedAt,
      finishedAt: startedAt,
      canaryReferenceMs: random.next(),
      peakMemoryBytes: 1_000_000,
      initMs: 1.5,
      firstInferenceMs: 9,
    },
    stderr: `stderr of ${cell.model}`,
    error: null,
    latencyMs,
    spreadMs: random.next() / 10,
  };
}

const childPath = fileURLToPath(new URL("./storeChild.ts", import.meta.url));

/** Starts a real second process on a lab; see storeChild.ts for its commands. */
export function startChild(...words: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [childPath, ...words]);
}

/** The next line a child writes that starts with `prefix`; rejects when it ends before. */
export function waitForLine(child: ChildProcessWithoutNullStreams, prefix: string): Promise<string> {
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => line.startsWith(prefix) && resolve(line));
    child.on("close", (code) => reject(new Error(`child ended with ${code} before "${prefix}": ${errors}`)));
  });
}

/** Waits until a child has ended and gives its exit code, null after a signal. */
export function waitForEnd(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.on("close", (code) => resolve(code)));
}

// A private mount namespace: what is mounted in it goes with its process, whatever happens to the test.
const isolate = process.getuid?.() === 0 ? ["-m"] : ["-U", "-r", "-m"];

/** Whether this system lets a test mount file systems of its own (Linux, as root or with user namespaces). */
export const canMount =
  spawnSync("unshare", [...isolate, "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]).status === 0;

/** Runs a store child after shell commands (`$1` is the folder) in a mount namespace of its own; gives the JSON it prints. */
export function runMounted(mounts: string, command: string, folder: string, ...words: string[]): unknown {
  const script = `set -e; ${mounts}; command="$2"; folder="$1"; shift 2; exec "$NODE" "$CHILD" "$command" "$folder" "$@"`;
  const result = spawnSync("unshare", [...isolate, "sh", "-c", script, "sh", folder, command, ...words], {
    env: { ...process.env, NODE: process.execPath, CHILD: childPath },
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(`child ended with ${result.status}: ${result.stderr}`);
  return JSON.parse(result.stdout.trim().split("\n").at(-1)!);
}
