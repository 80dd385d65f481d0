import { solveNonNegative } from "./linear.ts";
import { median } from "../model/median.ts";
import type { NetworkRow } from "./dataset.ts";

/** Time of a network beyond the sum of its kernels: constant + perKernel × kernels + share × their time; none negative. */
export interface Overhead {
  constantMs: number;
  perKernelMs: number;
  /** Fraction of the kernels' time, e.g. what the caches lose between kernels. */
  share: number;
}

/** No time beyond that of the kernels. */
export const noOverhead: Overhead = { constantMs: 0, perKernelMs: 0, share: 0 };

/** Overhead of a network with so many kernels that take so long together. */
export function evaluateOverhead(overhead: Overhead, kernels: number, kernelMs: number): number {
  return overhead.constantMs + overhead.perKernelMs * kernels + overhead.share * kernelMs;
}

type Terms = readonly (keyof Overhead)[];

/** From simple to rich. */
const forms: readonly Terms[] = [
  [],
  ["constantMs"],
  ["constantMs", "perKernelMs"],
  ["constantMs", "perKernelMs", "share"],
];

/**
 * Fits the overhead on networks whose kernels were timed. Its form is chosen by leaving one network out at a time: a richer
 * one must lower the mean squared error (relative to the latency) by more than one standard error of the difference.
 */
export function fitOverhead(networks: readonly NetworkRow[]): Overhead {
  const timed = networks.filter((network) => network.kernels > 0 && network.latencyMs > 0);
  let best = forms[0]!;
  let errors = leaveOneOut(timed, best);
  for (const form of forms.slice(1)) {
    if (timed.length <= form.length + 1) break;
    const candidate = leaveOneOut(timed, form);
    const gains = errors.map((error, place) => error - candidate[place]!);
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
    const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1);
    if (!(mean > Math.sqrt(variance / gains.length))) continue;
    best = form;
    errors = candidate;
  }
  return fitForm(timed, best);
}

function leaveOneOut(networks: readonly NetworkRow[], form: Terms): number[] {
  return networks.map((network, place) => {
    const overhead = fitForm(
      networks.filter((_, other) => other !== place),
      form,
    );
    const off = beyond(network) - evaluateOverhead(overhead, network.kernels, network.kernelMs);
    // One network disturbed between its two passes must not decide the form.
    return Math.min(Math.abs(off / network.latencyMs), 0.1) ** 2;
  });
}

function beyond(network: NetworkRow): number {
  return network.latencyMs - network.kernelMs - network.uncoveredMs;
}

function fitForm(networks: readonly NetworkRow[], form: Terms): Overhead {
  const overhead: Overhead = { constantMs: 0, perKernelMs: 0, share: 0 };
  const size = form.length;
  if (size === 0 || networks.length === 0) return overhead;
  // Networks far from the rest were measured in another state of the device; they would pull a line of three numbers.
  const shares = networks.map((network) => beyond(network) / network.latencyMs);
  const middle = median(shares);
  const spread = 1.4826 * median(shares.map((share) => Math.abs(share - middle))) + 0.002;
  const gram = new Float64Array(size * size);
  const moments = new Float64Array(size);
  networks.forEach((network, place) => {
    if (Math.abs(shares[place]! - middle) > 4 * spread) return;
    const values = form.map((term) => termValue(term, network) / network.latencyMs);
    for (let i = 0; i < size; i++) {
      moments[i]! += values[i]! * shares[place]!;
      for (let j = 0; j < size; j++) gram[i * size + j]! += values[i]! * values[j]!;
    }
  });
  const solution = solveNonNegative(gram, moments);
  form.forEach((term, place) => (overhead[term] = solution[place]!));
  return overhead;
}

function termValue(term: keyof Overhead, network: NetworkRow): number {
  switch (term) {
    case "constantMs":
      return 1;
    case "perKernelMs":
      return network.kernels;
    case "share":
      return network.kernelMs;
  }
}
