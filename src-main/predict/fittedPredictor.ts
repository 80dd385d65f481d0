import type {
  ClassScores,
  LearnerChoice,
  OpPrediction,
  PredictedPoint,
  Prediction,
  Runtime,
  Scores,
} from "../lab/contract.ts";
import type { ClassModel } from "./classModel.ts";
import type { EndToEndModel } from "./endToEndModel.ts";
import type { LeftOut } from "./fitPlan.ts";
import type { GpuOverhead } from "./gpuOverhead.ts";
import type { GpuTarget } from "./gpuPlan.ts";
import type { Overhead } from "./overhead.ts";
import type { Roofline } from "./roofline.ts";

/** The line that stands in for classes without measurements: that of related classes, or of all. */
export interface StandIn {
  /** Related classes in words. */
  group: string;
  roofline: Roofline;
  rows: number;
  /** Half-width of the 90 % interval of one kernel, as a logarithm. */
  spread: number;
}

/** What a predictor of a GPU knows besides its regressors: whose kernels they are, and what lies between them. */
export interface GpuModel extends GpuTarget {
  /** Classes that networks ran but nothing timed: their time is in the overhead. */
  untimed: string[];
  overhead: GpuOverhead;
}

/** What predicts: regressors by class, what stands in for others, overhead, and the error to expect. */
export interface PredictorCore {
  runtime: Runtime;
  classes: ClassModel[];
  standIns: StandIn[];
  /** Of the CPU; that of a GPU is in `gpu`. */
  overhead: Overhead;
  gpu: GpuModel | null;
  /** What predicts instead of classes and overhead when no op of the scenario was timed; absent otherwise. */
  endToEnd?: EndToEndModel;
  /** Half-width of the 90 % interval of a network, as a logarithm. */
  spread: number;
}

/** Everything fitted for one scenario; serialised by `encodePredictor`. */
export interface FittedPredictor extends PredictorCore {
  scenario: string;
  learner: LearnerChoice;
  seed: number;
  /** Wall time of the fit; the only part that differs between two fits of the same measurements. */
  fitMs: number;
  /** Kernels measured. */
  rows: number;
  trainedOn: string[];
  /** Measured networks it did not learn from, because the device was disturbed while it measured them. */
  leftOut: LeftOut[];
  /** Cells the rows come from. */
  cells: number[];
  scores: PredictorScores;
}

/** How good a predictor is by cross-validation, and what it is made of. */
export interface PredictorScores {
  classes: ClassScores[];
  /** Each network predicted by a fit, hyper-parameters included, that did not see it. */
  points: PredictedPoint[];
  crossValidated: Scores;
  /** The FLOPs-only line on the same folds. */
  baseline: Scores;
  /** Overhead of the median training network. */
  overheadMs: number;
}

/** A network's predicted time, whole and by kernel. */
export type NetworkPrediction = Pick<
  Prediction,
  "latencyMs" | "lowMs" | "highMs" | "overheadMs" | "uncovered"
> & { ops: OpPrediction[] };
