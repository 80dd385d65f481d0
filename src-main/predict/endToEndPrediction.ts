import type { OpPrediction } from "../lab/contract.ts";
import type { Graph } from "../model/graph.ts";
import type { EndToEndModel } from "./endToEndModel.ts";
import { relatedClasses } from "./features.ts";
import type { NetworkPrediction, PredictorCore } from "./fittedPredictor.ts";
import { compileWork } from "./workDesign.ts";
import { WorkPredictor } from "./workPrediction.ts";
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
  const predictor = new WorkPredictor(model.rates, columns);
  const interval = (place: number) => {
    const { logMs, deviation } = predictor.predict(networks[place]!);
    const ms = Math.exp(logMs);
    const factor = Math.exp(model.spread * deviation);
    return { ms, lowMs: ms / factor, highMs: ms * factor };
  };
  const seen = new Set(model.classes);
  const ops = work.kernels.map(({ op, type, kernel }, place): OpPrediction => ({
    index: op,
    op: type,
    kernel,
    ...interval(place + 1),
    extrapolated: seen.has(kernel) ? [] : [explainUnseen(kernel)],
    inferred: true,
  }));
  const { lowMs, highMs } = interval(0);
  const latencyMs = ops.reduce((sum, { ms }) => sum + ms, 0);
  return { latencyMs, lowMs, highMs, overheadMs: 0, ops, uncovered: work.uncovered };
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
