/**
 * What a fake phone runs as its `benchmark_model`. It IMITATES a phone's program, for tests: the host's benchmark with the real
 * TFLite underneath, so times are those of this computer, also where it says GPU.
 */
import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type BenchmarkBehaviour, type Disguise, disguise } from "./phoneDisguise.ts";

const root = process.env["FAKE_PHONE_ROOT"] ?? "";
const phonePid = Number(process.env["FAKE_PHONE_PID"] ?? 0);
const behaviour = JSON.parse(
  readFileSync(join(root, ".fake/benchmark.json"), "utf8"),
) as BenchmarkBehaviour & { delayMs: number };
const sleeper = new Int32Array(new SharedArrayBuffer(4));

// The host's benchmark ends itself when its parent dies. A phone's does not, and a lab that relies on it leaves it running;
// it is only to go when the fake phone itself is gone.
const parent = process.ppid;
Object.defineProperty(process, "ppid", {
  get: () => {
    try {
      process.kill(phonePid, 0);
      return parent;
    } catch {
      return -1;
    }
  },
});

// Nothing but SIGHUP and SIGKILL ends it: the handlers never get their turn.
function hangForever(): never {
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined);
  for (;;) {
    Atomics.wait(sleeper, 0, 0, 1000);
    if (process.ppid === -1) process.exit(1);
  }
}

function takeHang(): boolean {
  const flag = join(root, ".fake/hang");
  if (!existsSync(flag)) return false;
  unlinkSync(flag);
  return true;
}

function interceptOutput(mask: Disguise): void {
  const stdout = process.stdout.write.bind(process.stdout);
  const stderr = process.stderr.write.bind(process.stderr);
  let phases = 0;
  process.stdout.write = (text: string | Uint8Array): boolean => {
    const line = String(text);
    if (line.startsWith("INFO: Running benchmark") && ++phases === 2 && takeHang()) {
      stdout(line);
      hangForever();
    }
    const changed = mask.changeOutput(line);
    if (changed !== "") stdout(changed);
    if (line.startsWith("INFO: Loaded model")) {
      const report = mask.reportLoaded();
      for (const text of report.stdout) stdout(`${text}\n`);
      for (const text of report.stderr) stderr(`${text}\n`);
      if (report.failed) process.exit(1);
    }
    return true;
  };
  process.stderr.write = (text: string | Uint8Array): boolean => stderr(mask.changeErrors(String(text)));
}

const argv = process.argv.slice(2);
const mask = disguise(behaviour, argv, process.env["FAKE_PHONE_PROGRAM"] ?? "benchmark_model");
if (behaviour.delayMs > 0) Atomics.wait(sleeper, 0, 0, behaviour.delayMs);
interceptOutput(mask);
process.argv = [...process.argv.slice(0, 2), ...mask.argv];
await import("../../src-main/profile/hostBenchmark.ts");
mask.finish();
