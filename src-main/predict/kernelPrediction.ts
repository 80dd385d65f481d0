import { evaluateClass, type ClassModel } from "./classModel.ts";
import { findExtrapolation } from "./extrapolation.ts";
import { listColumns, type FeatureColumn } from "./featureColumns.ts";
import { relatedClasses } from "./features.ts";
import type { PredictorCore, StandIn } from "./fittedPredictor.ts";
import { widenByExcess } from "./interval.ts";
import { evaluateRoofline } from "./roofline.ts";

/** A class ready to predict. */
export interface PreparedClass {
  kernel: string;
  model: ClassModel | null;
  standIn: StandIn;
  columns: readonly FeatureColumn[];
}

/** A kernel's time with its interval. */
export interface KernelPrediction {
  ms: number;
  spread: number;
  /** Widening of the interval because of extrapolation, as a logarithm. */
  extra: number;
  extrapolated: string[];
}

// A predictor is prepared once and then serves thousands of networks.
const prepared = new WeakMap<PredictorCore, Map<string, PreparedClass>>();

/** What predicts kernels of a class. */
export function prepareClass(predictor: PredictorCore, kernel: string): PreparedClass {
  let classes = prepared.get(predictor);
  if (!classes) prepared.set(predictor, (classes = new Map()));
  let found = classes.get(kernel);
  if (!found) classes.set(kernel, (found = findClass(predictor, kernel)));
  return found;
}

function findClass(predictor: PredictorCore, kernel: string): PreparedClass {
  const group = relatedClasses(kernel);
  return {
    kernel,
    model: predictor.classes.find((model) => model.kernel === kernel) ?? null,
    standIn: predictor.standIns.find((candidate) => candidate.group === group) ?? predictor.standIns.at(-1)!,
    columns: listColumns(kernel),
  };
}

/** Predicts the kernel whose features start at `start`, by a stand-in where its class was never measured. */
export function predictKernel(
  { kernel, model, standIn, columns }: PreparedClass,
  x: Float64Array,
  start: number,
): KernelPrediction {
  if (!model) {
    return {
      ms: evaluateRoofline(standIn.roofline, x, start),
      spread: standIn.spread,
      extra: standIn.spread,
      extrapolated: [
        `no ${kernel} kernel was measured: estimated from time per FLOP and byte of ${standIn.group}`,
      ],
    };
  }
  const { words, excess } = findExtrapolation(model, columns, x, start);
  return {
    ms: evaluateClass(model, x, start),
    spread: model.spread,
    extra: excess > 0 ? widenByExcess(excess) : 0,
    extrapolated: words,
  };
}
