import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../device/hostTelemetry.ts";
import type { CoreSet, SpeedState } from "../lab/contract.ts";
import { buildCanary } from "../model/canary.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import type { Store } from "../store/database.ts";
import { getReference, setReference } from "../store/devices.ts";
import { findHostLibrary, runHostPass } from "./hostProcess.ts";
import { chooseTolerance, findReference, quantile } from "./speedState.ts";

/** The canary's file in a lab's folder. */
export interface Canary {
  path: string;
  hash: string;
}

/** Writes the canary into the lab's folder when it is not there yet. */
export function placeCanary(folder: string): Canary {
  const bytes = writeTflite(buildCanary());
  const hash = createHash("sha256").update(bytes).digest("hex");
  const path = join(folder, "canary", `${hash.slice(0, 16)}.tflite`);
  if (!existsSync(path) || !readFileSync(path).equals(bytes)) {
    mkdirSync(join(folder, "canary"), { recursive: true });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, bytes);
    renameSync(draft, path);
  }
  return { path, hash };
}

/**
 * The fast state's canary time of each core set of this computer, kept in the lab for as long as the computer runs: another
 * boot may be another machine under the same name.
 */
export class CanaryReference {
  readonly canary: Canary;
  private readonly store: Store;
  private readonly key: string;

  constructor(store: Store) {
    this.store = store;
    this.canary = placeCanary(store.folder);
    const boot = readText("/proc/sys/kernel/random/boot_id") ?? "";
    this.key = `${this.canary.hash.slice(0, 16)}:${findHostLibrary().version ?? ""}:${boot}`;
  }

  /** The reference in µs, or 0 when none is known. */
  find(coreSet: CoreSet): number {
    return (getReference(this.store, "host", coreSet.name, this.key) ?? 0) * 1000;
  }

  /** Lowers the reference when the canary was stably faster than it; returns the one in force, µs. */
  observe(coreSet: CoreSet, canaryUs: readonly number[]): number {
    const known = this.find(coreSet);
    if (canaryUs.length < 20) return known;
    const seen = findReference(canaryUs);
    if (!(seen > 0) || (known > 0 && seen >= known)) return known;
    setReference(this.store, "host", coreSet.name, this.key, seen / 1000);
    return seen;
  }

  /** Runs the canary alone on a core set for some seconds, learns from it and tells the device's state. */
  async check(coreSet: CoreSet, seconds: number, signal?: AbortSignal): Promise<SpeedState> {
    const pass = await runHostPass({
      modelPath: this.canary.path,
      coreSet,
      runtime: "tflite",
      plan: { runs: 20, minSecs: seconds, maxSecs: seconds, warmupSecs: 0.05 },
      perOp: false,
      canaryPath: null,
      canaryReferenceUs: 0,
      signal,
    });
    if (!pass.samples || pass.samples.us.length === 0)
      throw new Error(`the canary did not run: ${pass.stderr.trim() || `exit code ${pass.exitCode}`}`);
    const referenceUs = this.observe(coreSet, pass.samples.us);
    const canaryUs = quantile(pass.samples.us, 0.5);
    return {
      at: new Date().toISOString(),
      coreSet: coreSet.name,
      canaryMs: canaryUs / 1000,
      referenceMs: (referenceUs || canaryUs) / 1000,
      state:
        canaryUs <= (referenceUs || canaryUs) * chooseTolerance(coreSet.cpus.length).canary ? "fast" : "slow",
    };
  }
}
