/**
 * Telling a device's fast state from its slow one. Computers with neighbours and phones under thermal pressure run at
 * several speeds; a small network (the canary) run beside the measured one tells which. Times in µs.
 */

/** What still counts as the fast state. */
export interface Tolerance {
  /** The canary may take up to this many times its reference. */
  canary: number;
  /** The threads may wait for a core for up to this share of the time, summed over threads. */
  wait: number;
}

/**
 * The tolerance for a number of threads. One thread pinned to a quiet core waits for nothing. Several ones wake each other,
 * and the scheduler now and then puts two on one core: on a quiet computer they wait 10 to 40 % of the time, beside another
 * busy process about 100 %; and the canary's own time scatters more.
 */
export function chooseTolerance(threads: number): Tolerance {
  return threads > 1 ? { canary: 1.25, wait: 0.5 } : { canary: 1.15, wait: 0.02 };
}

/** How many inferences must be kept for a cell to count as measured well. */
export const fewestKept = 5;

/** One inference of the measured network with the canary's times around its block. */
export interface RawSample {
  /** Offset from the start of the measurement. */
  atUs: number;
  us: number;
  /** Null when no canary was run. */
  canaryBeforeUs: number | null;
  canaryAfterUs: number | null;
  /** Its share of the time its block's threads waited for a core; null where the system does not tell. */
  waitedUs: number | null;
}

/** The value at a fraction (0 to 1) of a list, by linear interpolation between order statistics; NaN when it is empty. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return NaN;
  const place = fraction * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}

/**
 * The lowest stable cluster of canary times: the densest window of ±4 % among those in the lower part that holds at least
 * `share` of the readings. A lone lucky reading is not a reference; half an hour of slow ones beside a minute of fast
 * ones must not hide the fast ones.
 */
export function findReference(times: readonly number[], share = 0.1): number {
  const sorted = Float64Array.from(times).sort();
  const need = Math.max(3, Math.ceil(sorted.length * share));
  if (sorted.length < need) return sorted.length > 0 ? quantile(times, 0.25) : NaN;
  for (let start = 0, end = 0; start < sorted.length; start++) {
    while (end < sorted.length && sorted[end]! <= sorted[start]! * 1.08) end++;
    if (end - start < need) continue;
    return sorted[start + Math.floor((end - start) / 2)]!;
  }
  return quantile(times, 0.25);
}

/**
 * Whether a sample was taken in the fast state: the canary on both sides within tolerance of its reference, and little
 * time spent waiting for a core: a canary of a millisecond fits between two time slices of another process, a network of a
 * hundred does not.
 */
export function isFast(sample: RawSample, referenceUs: number, tolerance: Tolerance): boolean {
  if (sample.waitedUs !== null && sample.waitedUs > sample.us * tolerance.wait) return false;
  if (sample.canaryBeforeUs === null || sample.canaryAfterUs === null) return true;
  return Math.max(sample.canaryBeforeUs, sample.canaryAfterUs) <= referenceUs * tolerance.canary;
}

/** The verdict on a measurement's samples. */
export interface Judgement {
  kept: boolean[];
  keptCount: number;
  /** Too few samples were taken in the fast state for the result to be trusted. */
  noisy: boolean;
  /** Median of the kept samples; of the quietest ones when none is kept. */
  us: number;
  /** Half the interquartile range of the same. */
  spreadUs: number;
}

/**
 * Keeps the samples of the fast state. Inside it, what stands more than 20 % above the fast cluster's own lower quartile
 * was interrupted between two canaries, and is dropped as well.
 */
export function judgeSamples(
  samples: readonly RawSample[],
  referenceUs: number,
  tolerance: Tolerance,
  need: number = fewestKept,
): Judgement {
  const fast = samples.map((sample) => isFast(sample, referenceUs, tolerance));
  const fastTimes = samples.filter((_, index) => fast[index]).map((sample) => sample.us);
  const ceiling = quantile(fastTimes, 0.25) * 1.2;
  const kept = samples.map((sample, index) => fast[index]! && !(sample.us > ceiling));
  const keptTimes = samples.filter((_, index) => kept[index]).map((sample) => sample.us);
  const used = keptTimes.length > 0 ? keptTimes : quietest(samples);
  return {
    kept,
    keptCount: keptTimes.length,
    noisy: keptTimes.length < need,
    us: quantile(used, 0.5),
    spreadUs: (quantile(used, 0.75) - quantile(used, 0.25)) / 2,
  };
}

// The device was never fast: the tenth of the samples with the quietest surroundings is the best there is.
function quietest(samples: readonly RawSample[]): number[] {
  const disturbance = (sample: RawSample): number =>
    Math.max(sample.canaryBeforeUs ?? 0, sample.canaryAfterUs ?? 0) *
    (1 + (sample.waitedUs ?? 0) / sample.us);
  const ranked = [...samples].sort((a, b) => disturbance(a) - disturbance(b));
  return ranked.slice(0, Math.max(3, Math.ceil(ranked.length / 10))).map((sample) => sample.us);
}
