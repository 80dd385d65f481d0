import { solveNonNegative } from "./linear.ts";

/**
 * The line every accuracy table carries: latency as a non-negative linear function of FLOPs alone (ms, ms per FLOP), by least
 * squares of relative errors, since errors are told in percent. A plain least-squares line would be a straw man: large networks
 * draw it to several times the latency of small ones.
 */
export function fitFlopsLine(
  points: readonly { flops: number; measuredMs: number }[],
): (flops: number) => number {
  const gram = new Float64Array(4);
  const moments = new Float64Array(2);
  for (const { flops, measuredMs } of points) {
    const [one, rate] = [1 / measuredMs, flops / 1e9 / measuredMs];
    gram[0]! += one * one;
    gram[1]! += one * rate;
    gram[2]! += one * rate;
    gram[3]! += rate * rate;
    moments[0]! += one;
    moments[1]! += rate;
  }
  const [constant, perGiga] = solveNonNegative(gram, moments);
  return (flops) => constant! + (perGiga! * flops) / 1e9;
}
