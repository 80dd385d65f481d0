/** A network that a predictor did not see, as it was measured and as it was predicted. */
export interface AccuracyPoint {
  network: string;
  family: string;
  measuredMs: number;
  predictedMs: number;
  /** Predicted from the true time of every kernel and the same fitted overhead; null where kernels were not timed. */
  oracleMs: number | null;
  /** The interval reaches from predicted ÷ factor to predicted × factor; null for learners that tell none. */
  factor: number | null;
}

/** A learner fitted on the training networks of one split of one scenario and tried on all others. */
export interface AccuracyTrial {
  scenario: string;
  /** `gpu`: fitted on kernel times; `cpu`: on end-to-end times alone. */
  kind: "gpu" | "cpu";
  learner: string;
  /** `random`, or one family left out: as the data set names families, or coarser groups of them. */
  protocol: "random" | "family" | "coarse-family";
  /** The training size it stands for in a table. */
  trainSize: number;
  /** Number of the split among those of its size. */
  split: number;
  points: AccuracyPoint[];
  /** Kernels of the test networks, by class; empty where kernels were not timed. */
  kernels: { kernel: string; measuredMs: number; predictedMs: number }[];
}
