import type { OpPrediction } from "../lab/contract.ts";
import type { Graph } from "../model/graph.ts";
import type { EndToEndModel } from "./endToEndModel.ts";
import { relatedClasses } from "./features.ts";
import type { NetworkPrediction, PredictorCore } from "./fittedPredictor.ts";
import { compileWork } from "./workDesign.ts";
import { meanPrediction, predictByAll, WorkPredictor, type WorkPrediction } from "./workPrediction.ts";
import { listWork, type NetworkWork, type WorkTerm } from "./workTerms.ts";

/**
 * Predicts a network by rates learnt from end-to-end times: each op's time is inferred, the share of the whole that its work
 * explains. What lies between ops cannot be told apart from them, so there is no overhead beside their sum.
 */
export function predictEndToEnd(
  { runtime }: Pick<PredictorCore, "runtime">,
  model: EndToEndModel,
  graph: Graph,
): NetworkPrediction {
  const work = listWork(graph, model.precision, runtime);
  if (work.kernels.length === 0)
    return { latencyMs: 0, lowMs: 0, highMs: 0, overheadMs: 0, ops: [], uncovered: work.uncovered };
  const parts = splitByOp(work);
  const { columns, networks } = compileWork([work, ...parts], model.threads);
  const predictors = model.rates.map((rates) => new WorkPredictor(rates, columns));
  const [whole, ...opWork] = networks;
  const { logMs, deviation } = predictByAll(predictors, whole!);
  const latencyMs = Math.exp(logMs);
  const byFit = predictors.map((each) => opWork.map((one) => each.predict(one)));
  const shares = meanShares(byFit);
  const interval = (ms: number, spread: number) => {
    const factor = Math.exp(model.spread * spread);
    return { lowMs: ms / factor, highMs: ms * factor };
  };
  const seen = new Set(model.classes);
  const ops = work.kernels.map(({ op, type, kernel }, place): OpPrediction => {
    const ms = latencyMs * shares[place]!;
    return {
      index: op,
      op: type,
      kernel,
      ms,
      ...interval(ms, meanPrediction(byFit.map((ops) => ops[place]!)).deviation),
      extrapolated: seen.has(kernel) ? [] : [explainUnseen(kernel)],
      inferred: true,
    };
  });
  return { latencyMs, ...interval(latencyMs, deviation), overheadMs: 0, ops, uncovered: work.uncovered };
}

// The share of the whole that each op takes by each fit, averaged: they sum to 1.
function meanShares(byFit: readonly WorkPrediction[][]): Float64Array {
  const shares = new Float64Array(byFit[0]!.length);
  for (const ops of byFit) {
    const times = ops.map(({ logMs }) => Math.exp(logMs));
    const sum = times.reduce((total, ms) => total + ms, 0);
    times.forEach((ms, place) => (shares[place]! += ms / sum / byFit.length));
  }
  return shares;
}

function explainUnseen(kernel: string): string {
  return `no measured network has a ${kernel} kernel: estimated from what ${relatedClasses(kernel)} took and what such code costs beside them`;
}

// Terms come op after op, in the order of the kernels.
function splitByOp(work: NetworkWork): NetworkWork[] {
  const terms = Map.groupBy(work.terms, ({ op }: WorkTerm) => op);
  return work.kernels.map((kernel) => ({
    ...work,
    kernels: [kernel],
    terms: terms.get(kernel.op) ?? [],
  }));
}
