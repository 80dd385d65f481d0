import type { LabContext } from "./context.ts";
import type { Lab } from "./contract.ts";

/** The calls about predictors. */
export type PredictorCalls = Pick<
  Lab,
  "predictors" | "predictor" | "removePredictor" | "startFit" | "predict" | "startEvaluate" | "startValidate"
>;

/** The calls about predictors. Their rooms are loaded on first use: listing devices needs no learners. */
export function createPredictorCalls(context: LabContext): PredictorCalls {
  let loading: Promise<PredictorCalls> | null = null;
  const load = () => (loading ??= import("./predicting.ts").then((room) => room.createPredicting(context)));
  return {
    predictors: async () => (await load()).predictors(),
    predictor: async (request) => (await load()).predictor(request),
    removePredictor: async (request) => (await load()).removePredictor(request),
    startFit: async (request) => (await load()).startFit(request),
    predict: async (request) => (await load()).predict(request),
    startEvaluate: async (request) => (await load()).startEvaluate(request),
    startValidate: async (request) => (await load()).startValidate(request),
  };
}
