import type { OpPrediction } from "../../src-main/lab/contract.ts";

/** What is known of the times of a model's ops on one scenario. */
export interface OpTimes {
  scenario: string;
  /** By place in the entry graph; an op fused into another has no time of its own. Null when nobody can predict. */
  predicted: ReadonlyMap<number, OpPrediction> | null;
  /** In ms. Null when the model was not measured there. */
  measured: ReadonlyMap<number, number> | null;
  predictedMs: number | null;
  measuredMs: number | null;
  /** Why the predictor has no time for an op. */
  uncovered: ReadonlyMap<number, string>;
}
