import { median } from "../model/median.ts";
import { solveNonNegative } from "./linear.ts";

/** What the overhead of a network on a GPU goes by. */
export interface GpuWork {
  /** Time of each kernel that has one, measured or predicted. */
  times: readonly number[];
  /** Kernels without a time of their own, and the bytes these move. */
  untimed: number;
  untimedBytes: number;
  /** Bytes all kernels move. */
  bytes: number;
}

/**
 * Time of a network on a GPU beyond the sum of its timed kernels. No term is negative: what starts an inference, what a
 * kernel's launch costs, what kernels without a time of their own take, what memory costs between kernels, and launches
 * that brief kernels leave no time to hide.
 */
export interface GpuOverhead {
  constantMs: number;
  perKernelMs: number;
  perUntimedMs: number;
  msPerUntimedByte: number;
  msPerByte: number;
  share: number;
  perBriefMs: number;
  /** A kernel of this time and longer is not brief; one of no time is wholly brief. */
  briefMs: number;
}

/** A network whose overhead is known. */
export interface GpuOverheadSample {
  work: GpuWork;
  /** Measured beyond the sum of kernel times. */
  beyondMs: number;
  latencyMs: number;
}

type TermName = Exclude<keyof GpuOverhead, "briefMs">;

const noOverhead: GpuOverhead = {
  constantMs: 0,
  perKernelMs: 0,
  perUntimedMs: 0,
  msPerUntimedByte: 0,
  msPerByte: 0,
  share: 0,
  perBriefMs: 0,
  briefMs: 0,
};

/** From simple to rich. */
const forms: readonly (readonly TermName[])[] = [
  [],
  ["constantMs"],
  ["constantMs", "perKernelMs", "share"],
  ["constantMs", "perKernelMs", "perUntimedMs", "msPerUntimedByte", "msPerByte", "share"],
  ["constantMs", "perKernelMs", "perUntimedMs", "msPerUntimedByte", "msPerByte", "share", "perBriefMs"],
];

/** Overhead of a network that does so much work. */
export function evaluateGpuOverhead(overhead: GpuOverhead, work: GpuWork): number {
  let ms = 0;
  for (const term of forms.at(-1)!)
    if (overhead[term] > 0) ms += overhead[term] * readTerm(term, work, overhead.briefMs);
  return ms;
}

/**
 * Fits the overhead with least squared error relative to the latency. Its form is chosen by leaving one network out at a time:
 * a simpler one must lower the mean squared error by more than one standard error of the difference. The richest comes first
 * because no term may be negative: one that means nothing gets nothing, and costs less than one that is missing elsewhere.
 */
export function fitGpuOverhead(samples: readonly GpuOverheadSample[]): GpuOverhead {
  const usable = samples.filter(({ work, latencyMs }) => work.times.length > 0 && latencyMs > 0);
  if (usable.length === 0) return noOverhead;
  const briefMs = median(usable.flatMap(({ work }) => work.times));
  const system = measureSystem(usable, briefMs);
  const usableForms = forms.filter((form) => form.length === 0 || usable.length > form.length + 1);
  let best = usableForms.at(-1)!;
  let errors = leaveOneOut(system, placesOf(best));
  for (const form of usableForms.slice(0, -1).reverse()) {
    const candidate = leaveOneOut(system, placesOf(form));
    const gains = errors.map((error, place) => error - candidate[place]!);
    const mean = sumOf(gains) / gains.length;
    const variance = sumOf(gains.map((gain) => (gain - mean) ** 2)) / Math.max(gains.length - 1, 1);
    if (!(mean > Math.sqrt(variance / gains.length))) continue;
    best = form;
    errors = candidate;
  }
  const solution = solvePart(system, placesOf(best), -1);
  const overhead = { ...noOverhead, briefMs };
  best.forEach((term, place) => (overhead[term] = solution[place]!));
  return overhead;
}

const allTerms = forms.at(-1)!;

function placesOf(form: readonly TermName[]): number[] {
  return form.map((term) => allTerms.indexOf(term));
}

/** Terms and overheads as shares of each network's latency, with their normal equations. */
interface System {
  rows: Float64Array[];
  shares: number[];
  gram: Float64Array;
  moments: Float64Array;
}

function measureSystem(samples: readonly GpuOverheadSample[], briefMs: number): System {
  const size = allTerms.length;
  const rows = samples.map(({ work, latencyMs }) =>
    Float64Array.from(allTerms, (term) => readTerm(term, work, briefMs) / latencyMs),
  );
  const shares = samples.map(({ beyondMs, latencyMs }) => beyondMs / latencyMs);
  const gram = new Float64Array(size * size);
  const moments = new Float64Array(size);
  rows.forEach((row, sample) => {
    for (let i = 0; i < size; i++) {
      moments[i]! += row[i]! * shares[sample]!;
      for (let j = 0; j < size; j++) gram[i * size + j]! += row[i]! * row[j]!;
    }
  });
  return { rows, shares, gram, moments };
}

// Squared error of each network; one disturbed between its two passes must not decide the form.
function leaveOneOut(system: System, places: readonly number[]): number[] {
  const { rows, shares } = system;
  return rows.map((row, left) => {
    const solution = solvePart(system, places, left);
    const said = places.reduce((total, place, index) => total + solution[index]! * row[place]!, 0);
    return Math.min(Math.abs(said - shares[left]!), 0.2) ** 2;
  });
}

// The normal equations of some of the terms, without one network (-1 for with all).
function solvePart(
  { rows, shares, gram, moments }: System,
  places: readonly number[],
  left: number,
): Float64Array {
  const size = places.length;
  const part = new Float64Array(size * size);
  const right = new Float64Array(size);
  const row = rows[left];
  for (let i = 0; i < size; i++) {
    const a = places[i]!;
    right[i] = moments[a]! - (row ? row[a]! * shares[left]! : 0);
    for (let j = 0; j < size; j++) {
      const b = places[j]!;
      part[i * size + j] = gram[a * allTerms.length + b]! - (row ? row[a]! * row[b]! : 0);
    }
  }
  return solveNonNegative(part, right);
}

function readTerm(term: TermName, work: GpuWork, briefMs: number): number {
  switch (term) {
    case "constantMs":
      return 1;
    case "perKernelMs":
      return work.times.length;
    case "perUntimedMs":
      return work.untimed;
    case "msPerUntimedByte":
      return work.untimedBytes;
    case "msPerByte":
      return work.bytes;
    case "share":
      return sumOf(work.times);
    case "perBriefMs":
      return briefMs > 0 ? work.times.reduce((sum, ms) => sum + Math.max(0, 1 - ms / briefMs), 0) : 0;
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
