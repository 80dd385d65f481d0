import type { Thoroughness } from "../lab/contract.ts";
import { fewestKept } from "./speedState.ts";

/** How long one pass over a cell lasts. */
export interface PassPlan {
  /** Inferences of the fast state to keep. */
  runs: number;
  minSecs: number;
  maxSecs: number;
  warmupSecs: number;
}

/** The two passes of a cell: end-to-end without hooks, then per op. */
export interface CellPlan {
  endToEnd: PassPlan;
  perOp: PassPlan;
  /** How often a noisy cell is tried again later in the run. */
  retries: number;
  /** With more than this share of its cells noisy the device is slow throughout, and trying again now is in vain. */
  retryShare: number;
}

const plans: Record<Thoroughness, CellPlan> = {
  quick: {
    endToEnd: { runs: 8, minSecs: 0.1, maxSecs: 5, warmupSecs: 0.03 },
    perOp: { runs: 6, minSecs: 0.05, maxSecs: 3, warmupSecs: 0.02 },
    retries: 1,
    retryShare: 0.3,
  },
  standard: {
    endToEnd: { runs: 30, minSecs: 1, maxSecs: 30, warmupSecs: 0.2 },
    perOp: { runs: 15, minSecs: 0.5, maxSecs: 20, warmupSecs: 0.1 },
    retries: 2,
    retryShare: 1,
  },
  thorough: {
    endToEnd: { runs: 100, minSecs: 3, maxSecs: 90, warmupSecs: 0.5 },
    perOp: { runs: 40, minSecs: 1.5, maxSecs: 45, warmupSecs: 0.3 },
    retries: 3,
    retryShare: 1,
  },
};

/** The passes of a cell at a thoroughness. */
export function planCell(thoroughness: Thoroughness): CellPlan {
  return plans[thoroughness];
}

/** The kept inferences a cell needs: fewer where one inference takes a good part of the deadline, never under two. */
export function neededKept(pass: PassPlan, inferenceUs: number): number {
  const affordable = Math.floor((pass.maxSecs * 1e6 * 0.4) / Math.max(inferenceUs, 1));
  return Math.min(fewestKept, Math.max(2, affordable));
}

/** A guess of the time left: the mean of the last cells' times for each cell still to do; null before the first. */
export function estimateRemainingMs(finishedMs: readonly number[], remaining: number): number | null {
  if (finishedMs.length === 0) return null;
  const recent = finishedMs.slice(-25);
  const mean = recent.reduce((sum, ms) => sum + ms, 0) / recent.length;
  return Math.round(mean * remaining);
}
