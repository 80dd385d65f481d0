import type { Store } from "../store/database.ts";
import { getReference, setReference } from "../store/devices.ts";
import { listBenchmarkFlags } from "./benchmarkTool.ts";
import { parseBenchmarkOutput } from "./benchmarkOutput.ts";
import type { Canary } from "./canaryReference.ts";
import { type PhoneFailure, findFailure } from "./phoneFailure.ts";
import { type Deadlines, runPhonePass } from "./phonePass.ts";
import { locateResults, readResults } from "./phoneResults.ts";
import type { PhoneSession } from "./phoneSession.ts";
import type { PhoneTarget } from "./phoneTarget.ts";
import { judgeAggregate } from "./phoneVerdict.ts";
import { findReference, quantile } from "./speedState.ts";

/** A process of the canary alone. */
export interface CanaryReading {
  /** Its median, ms. */
  ms: number;
  /** Each run, µs; empty where the tool tells only statistics. */
  us: number[];
}

/** Runs the canary alone for some seconds where a target's cells run; a failure is told, not thrown. */
export async function runCanary(
  session: PhoneSession,
  canary: Canary,
  target: PhoneTarget,
  options: { owner: string; seconds: number; signal: AbortSignal; deadlines?: Deadlines | undefined },
): Promise<CanaryReading | PhoneFailure> {
  const { connection, tool, models } = session;
  const { owner, seconds, signal, deadlines } = options;
  const { samples } = tool.capabilities;
  const paths = locateResults(owner);
  const plan = { runs: 20, minSecs: seconds, maxSecs: Math.max(1, seconds * 4), warmupSecs: 0.1 };
  const graph = await models.ensure(canary, [], signal);
  const { scenario, threads, phoneMask } = target;
  const list = listBenchmarkFlags(
    {
      graph,
      threads,
      // Beside a network the canary runs on the builtin kernels, whatever the network runs on.
      runtime: samples ? "tflite" : scenario.runtime,
      precision: samples ? "float32" : scenario.precision,
      plan,
      perOp: false,
      profilePath: paths.profile,
      samplesPath: samples ? paths.samples : null,
    },
    tool.capabilities,
  );
  if (list.problem) return { error: list.problem, again: "no" };
  const end = await runPhonePass(connection, {
    program: tool.path,
    flags: list.flags,
    mask: phoneMask,
    owner,
    plan,
    stale: Object.values(paths),
    deadlines,
    signal,
  });
  const failure = findFailure(end, phoneMask);
  if (failure) return failure;
  if (samples) {
    const files = await readResults(connection, paths, target.cpus, signal);
    session.telemetry = files.after;
    const us = files.samples?.us ?? [];
    return us.length > 0
      ? { ms: quantile(us, 0.5) / 1000, us }
      : { error: "the canary left no samples on the phone", again: "later" };
  }
  const verdict = judgeAggregate(parseBenchmarkOutput(end.stdout, end.stderr, list.flags));
  return verdict ? { ms: verdict.latencyMs, us: [] } : { error: "the canary told no time", again: "later" };
}

/**
 * The canary's times in the fast state of a phone's core sets. They hold for one start of the phone and one program: another
 * program runs the same network at another speed.
 */
export class PhoneReferences {
  private readonly store: Store;
  private readonly device: string;
  private readonly key: string;

  constructor(
    store: Store,
    device: string,
    canary: Canary,
    scenario: PhoneTarget["scenario"],
    session: PhoneSession,
  ) {
    this.store = store;
    this.device = device;
    const runtime = session.tool.capabilities.samples ? "own" : `${scenario.runtime}-${scenario.precision}`;
    this.key = [canary.hash.slice(0, 16), runtime, session.tool.hash.slice(0, 16), session.boot].join(":");
  }

  /** ms, or null when none is known. */
  get(coreSet: string): number | null {
    return getReference(this.store, this.device, coreSet, this.key);
  }

  set(coreSet: string, ms: number): void {
    setReference(this.store, this.device, coreSet, this.key, ms);
  }

  /** Lowers the reference when single runs of the canary (µs) were stably faster than it. */
  observe(coreSet: string, canaryUs: readonly number[]): void {
    if (canaryUs.length < 20) return;
    const seen = findReference(canaryUs) / 1000;
    const known = this.get(coreSet);
    if (seen > 0 && (known === null || seen < known)) this.set(coreSet, seen);
  }
}
