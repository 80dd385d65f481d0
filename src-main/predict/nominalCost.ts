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
  /** Per weight, which is read and packed in every inference. */
  perWeight: number;
  /** Whether TFLite's own kernels share its arithmetic among threads. */
  threaded: boolean;
}

/** An op of which only the call takes time. */
export const noCost: NominalCost = {
  perFlop: 0,
  perElement: 0,
  perPatch: 0,
  perOutput: 0,
  perWeight: 0,
  threaded: false,
};

const product: NominalCost = {
  perFlop: 0.125,
  perElement: 0,
  perPatch: 0.5,
  perOutput: 1,
  perWeight: 1,
  threaded: true,
};

export function findNominalCost(kernel: string, precision: Precision): NominalCost {
  const costs = precision === "int8" ? int8 : float;
  return (
    costs[kernel] ?? { perFlop: 0, perElement: 1, perPatch: 0, perOutput: 0, perWeight: 0, threaded: false }
  );
}

const elements = (perElement: number): NominalCost => ({
  perFlop: 0,
  perElement,
  perPatch: 0,
  perOutput: 0,
  perWeight: 0,
  threaded: false,
});

const float: Record<string, NominalCost> = {
  conv: product,
  "conv-1x1": product,
  "transpose-conv": product,
  "batch-matmul": product,
  "fully-connected": product,
  "conv-grouped": { perFlop: 2, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: false },
  depthwise: { perFlop: 0.4, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: true },
  "pool-max": { perFlop: 0.5, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: false },
  "pool-avg": { perFlop: 0.5, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: false },
  mean: elements(4),
  softmax: elements(15),
  "activation-logistic": elements(10),
  "activation-tanh": elements(10),
  "activation-hard-swish": elements(2),
  "elementwise-function": elements(5),
};
const int8Product: NominalCost = {
  perFlop: 0.06,
  perElement: 0,
  perPatch: 0.3,
  perOutput: 1,
  perWeight: 0.3,
  threaded: true,
};
const int8: Record<string, NominalCost> = {
  ...float,
  conv: int8Product,
  "conv-1x1": int8Product,
  "transpose-conv": int8Product,
  "batch-matmul": int8Product,
  "fully-connected": int8Product,
  "conv-grouped": { perFlop: 1, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: false },
  depthwise: { perFlop: 0.3, perElement: 0, perPatch: 0, perOutput: 0, perWeight: 0, threaded: true },
  "activation-hard-swish": elements(6),
  "elementwise-add": elements(2),
  "elementwise-mul": elements(2),
  "elementwise-mul-broadcast": elements(3),
  "elementwise-add-broadcast": elements(3),
};
