import { type RawSample, type Tolerance, findReference, judgeSamples } from "./speedState.ts";

/** Limits of a measurement, in counts and seconds. */
export interface Limits {
  /** Inferences to keep. */
  runs: number;
  minSecs: number;
  maxSecs: number;
  tolerance: Tolerance;
  /** The canary's time in the fast state in µs; 0 when it is not known yet. */
  referenceUs: number;
}

/** The passing of time as a measurement sees it, in µs. */
export interface Clock {
  now: () => number;
  pause: (us: number) => void;
  /** Time this process's threads have waited for a core so far; null where the system does not tell. */
  waited: () => number | null;
}

/** All samples of a measurement and the reference they are judged by. */
export interface Watched {
  samples: RawSample[];
  canaryUs: number[];
  referenceUs: number;
}

// Long enough that the canary costs little, short enough that a change of state inside a block is rare.
const blockUs = 25_000;
// While the device is slow, one inference in this time is still taken: evidence of the slow state, for later rules.
const slowEvidenceUs = 1_000_000;

/**
 * Runs `invoke` in blocks with the canary between them until enough samples of the fast state are there or the deadline
 * passes. While the canary says slow it only waits, so the deadline is spent on samples that count. Without a canary it
 * does what `benchmark_model` does: at least `runs` and `minSecs`, at most `maxSecs`.
 */
export function watchSamples(
  invoke: (sample: number) => number,
  runCanary: (() => number) | null,
  limits: Limits,
  clock: Clock,
): Watched {
  const { now, pause } = clock;
  const samples: RawSample[] = [];
  const canaryUs: number[] = [];
  const start = now();
  const readCanary = (): number | null => {
    if (!runCanary) return null;
    const us = runCanary();
    canaryUs.push(us);
    return us;
  };
  let before = readCanary();
  let lastEvidence = -Infinity;
  for (;;) {
    const elapsed = now() - start;
    if (elapsed >= limits.maxSecs * 1e6 && samples.length > 0) break;
    if (before !== null) {
      const referenceUs = currentReference(limits.referenceUs, canaryUs);
      const slow = before > referenceUs * limits.tolerance.canary;
      if (slow && elapsed - lastEvidence < slowEvidenceUs) {
        pause(3000);
        before = readCanary();
        continue;
      }
      if (slow) lastEvidence = elapsed;
    }
    const block: { atUs: number; us: number }[] = [];
    let blockTime = 0;
    const waitedBefore = clock.waited();
    do {
      const atUs = now() - start;
      const us = invoke(samples.length + block.length);
      block.push({ atUs, us });
      blockTime += us;
    } while (
      blockTime + block.at(-1)!.us < (runCanary ? blockUs : 0) &&
      samples.length + block.length < limits.runs * 4
    );
    const waitedAfter = clock.waited();
    const waitShare =
      waitedBefore === null || waitedAfter === null ? null : (waitedAfter - waitedBefore) / blockTime;
    const after = readCanary();
    for (const sample of block)
      samples.push({
        ...sample,
        canaryBeforeUs: before,
        canaryAfterUs: after,
        waitedUs: waitShare === null ? null : waitShare * sample.us,
      });
    before = after;
    if (now() - start < limits.minSecs * 1e6) continue;
    const kept = runCanary
      ? judgeSamples(samples, currentReference(limits.referenceUs, canaryUs), limits.tolerance).keptCount
      : samples.length;
    if (kept >= limits.runs) break;
  }
  return { samples, canaryUs, referenceUs: runCanary ? currentReference(limits.referenceUs, canaryUs) : 0 };
}

// The session's reference stands unless this process saw something stably faster.
function currentReference(given: number, canaryUs: readonly number[]): number {
  const own = findReference(canaryUs);
  if (given > 0 && (Number.isNaN(own) || canaryUs.length < 20)) return given;
  return given > 0 ? Math.min(given, own) : own;
}
