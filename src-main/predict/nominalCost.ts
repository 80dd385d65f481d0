import type { Precision } from "../lab/contract.ts";

/** What a kernel class costs nominally, in cycles of one core; only ratios matter. */
export interface NominalCost {
  perFlop: number;
  /** Per element it reads or writes, whichever are more. */
  perElement: number;
  /** Per element that a product gathers from its input. */
  perPatch: number;
  /** Per element that a product writes. */
  perOutput: number;
  /** Per weight. */
  perWeight: number;
  /** Per output element and place of the window, where a loop is set up for each. */
  perVisit: number;
  /** Whether TFLite's own kernels share its work among threads. */
  threaded: boolean;
}

/** An op of which only the call takes time. */
export const noCost: NominalCost = {
  perFlop: 0,
  perElement: 0,
  perPatch: 0,
  perOutput: 0,
  perWeight: 0,
  perVisit: 0,
  threaded: false,
};

/**
 * Nominal costs: what the code of TFLite's own CPU kernels takes on an Arm core with 128-bit vectors, in round numbers. They are where
 * a fit starts and what is left of a class that no training network has.
 */
export function findNominalCost(kernel: string, precision: Precision): NominalCost {
  return { ...noCost, ...((precision === "int8" ? int8Costs[kernel] : floatCosts[kernel]) ?? copy) };
}

// One element in and out for a cycle: loads and stores keep up with little else.
const copy: Partial<NominalCost> = { perElement: 1 };
const simple = (perElement: number): Partial<NominalCost> => ({ perElement });

// Four lanes, two operations each, one instruction a cycle: 8 FLOPs. Operands are packed before the product, outputs get bias and
// activation after it.
const product: Partial<NominalCost> = {
  perFlop: 1 / 8,
  perPatch: 0.5,
  perOutput: 1,
  perWeight: 1,
  threaded: true,
};

const floatCosts: Record<string, Partial<NominalCost>> = {
  conv: product,
  "conv-1x1": product,
  "transpose-conv": product,
  "batch-matmul": product,
  // Weights of a single row are used once: each of their four bytes comes from memory.
  "fully-connected": { ...product, perWeight: 3 },
  // The reference kernel: a plain loop over the channels of a group, whose sum waits four cycles for each multiply-add, in one thread.
  "conv-grouped": { perFlop: 2, perVisit: 8 },
  depthwise: { perFlop: 0.4, threaded: true },
  "pool-max": { perFlop: 0.5 },
  "pool-avg": { perFlop: 0.5 },
  "pool-l2": { perFlop: 1 },
  // A loop that computes the place of each element.
  mean: simple(4),
  reduce: simple(4),
  softmax: simple(15),
  "activation-logistic": simple(10),
  "activation-tanh": simple(10),
  "activation-elu": simple(15),
  "elementwise-function": simple(5),
};

// Dot products of bytes do twice to four times the work of float ones in an instruction; outputs are scaled back to bytes.
const byteProduct: Partial<NominalCost> = {
  perFlop: 0.06,
  perPatch: 0.3,
  perOutput: 1,
  perWeight: 0.3,
  threaded: true,
};

const int8Costs: Record<string, Partial<NominalCost>> = {
  ...floatCosts,
  conv: byteProduct,
  "conv-1x1": byteProduct,
  "transpose-conv": byteProduct,
  "batch-matmul": byteProduct,
  "fully-connected": { ...byteProduct, perWeight: 1 },
  // Whole numbers do not wait for one another.
  "conv-grouped": { perFlop: 0.75, perVisit: 8 },
  depthwise: { perFlop: 0.3, threaded: true },
  // Two scales meet: each element is multiplied and shifted several times.
  "elementwise-add": simple(2),
  "elementwise-mul": simple(2),
  "elementwise-mul-broadcast": simple(3),
  "elementwise-add-broadcast": simple(3),
  // A table of 256 results.
  "activation-logistic": simple(2),
  "activation-tanh": simple(2),
  "activation-elu": simple(2),
  softmax: simple(8),
};
