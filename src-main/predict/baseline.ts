import { SimpleLinearRegression } from "ml-regression";

/**
 * The line every accuracy table carries: latency as a linear function of FLOPs alone, by ordinary least squares. Fewer than
 * two different FLOP counts give their mean.
 */
export function fitFlopsLine(
  points: readonly { flops: number; measuredMs: number }[],
): (flops: number) => number {
  const flops = points.map((point) => point.flops / 1e9);
  const latencies = points.map((point) => point.measuredMs);
  if (new Set(flops).size < 2) {
    const mean = latencies.reduce((sum, ms) => sum + ms, 0) / Math.max(latencies.length, 1);
    return () => mean;
  }
  const line = new SimpleLinearRegression(flops, latencies);
  return (count) => line.predict(count / 1e9);
}
