import { scorePredictions } from "../predict/scores.ts";

// Defined in the room below, where every fit is scored too; evaluation is where everybody looks for it.
export {
  correlateRanks,
  rankValues,
  relativeError,
  scoreIntervals,
  scorePredictions,
} from "../predict/scores.ts";

/** Error over kernels of one class, in percent. */
export interface KernelScores {
  rows: number;
  medianApe: number;
  mape: number;
}

/** Error of single kernels grouped by class, in the order of first appearance. */
export function scoreKernels(
  kernels: readonly { kernel: string; measuredMs: number; predictedMs: number }[],
): Map<string, KernelScores> {
  const groups = new Map<string, { measuredMs: number; predictedMs: number }[]>();
  for (const point of kernels) {
    const group = groups.get(point.kernel);
    if (group) group.push(point);
    else groups.set(point.kernel, [point]);
  }
  return new Map(
    [...groups].map(([kernel, points]) => {
      const { models: rows, medianApe, mape } = scorePredictions(points);
      return [kernel, { rows, medianApe, mape }];
    }),
  );
}
