import type { OpPrediction } from "../lab/contract.ts";
import { listCpuKernels, type CpuKernel } from "../kernels/cpu.ts";
import { mainSubgraph, type Graph, type Subgraph } from "../model/graph.ts";
import { evaluateClass, type ClassModel } from "./classModel.ts";
import { findExtrapolation, type Extrapolation } from "./extrapolation.ts";
import { predictEndToEnd } from "./endToEndPrediction.ts";
import { createFacts, readFacts } from "./facts.ts";
import { listFeatures, relatedClasses, writeFeatures, type Feature } from "./features.ts";
import type { NetworkPrediction, PredictorCore, StandIn } from "./fittedPredictor.ts";
import { widenByExcess } from "./interval.ts";
import { evaluateOverhead } from "./overhead.ts";
import { evaluateRoofline } from "./roofline.ts";

/** A class ready to predict. */
interface PreparedClass {
  model: ClassModel | null;
  standIn: StandIn;
  features: readonly Feature[];
}

// A predictor is prepared once and then serves thousands of networks.
const prepared = new WeakMap<PredictorCore, Map<string, PreparedClass>>();
const facts = createFacts();
const row = new Float64Array(64);

/**
 * Predicts a network from its graph alone. Ops whose kernel has no class or cannot be costed are listed as uncovered with
 * the reason and have no part in the time; every other op has a positive time, by a stand-in where its class was never
 * measured.
 */
export function predictNetwork(predictor: PredictorCore, graph: Graph): NetworkPrediction {
  if (predictor.endToEnd) return predictEndToEnd(predictor, predictor.endToEnd, graph);
  let classes = prepared.get(predictor);
  if (!classes) prepared.set(predictor, (classes = new Map()));
  const subgraph = mainSubgraph(graph);
  const ops: OpPrediction[] = [];
  const uncovered: NetworkPrediction["uncovered"] = [];
  let kernelMs = 0;
  let widened = 0;
  for (const kernel of listCpuKernels(graph, predictor.runtime)) {
    const index = kernel.ops[0]!;
    const op = subgraph.ops[index]!;
    const problem = explainUncovered(kernel, subgraph);
    if (problem !== null) {
      uncovered.push({ index, op: op.type, reason: problem });
      continue;
    }
    const name = kernel.class!;
    let choice = classes.get(name);
    if (!choice) classes.set(name, (choice = prepareClass(predictor, name)));
    const { ms, spread, extra, extrapolated } = predictKernel(choice, name);
    kernelMs += ms;
    widened += ms * extra;
    const factor = Math.exp(spread + extra);
    ops.push({ index, op: op.type, kernel: name, ms, lowMs: ms / factor, highMs: ms * factor, extrapolated });
  }
  const overheadMs = evaluateOverhead(predictor.overhead, ops.length, kernelMs);
  const latencyMs = kernelMs + overheadMs;
  const factor = Math.exp(predictor.spread + (kernelMs > 0 ? widened / kernelMs : 0));
  return { latencyMs, lowMs: latencyMs / factor, highMs: latencyMs * factor, overheadMs, ops, uncovered };
}

// Leaves the op's facts in `facts` when it is covered.
function explainUncovered(kernel: CpuKernel, subgraph: Subgraph): string | null {
  if (kernel.class === null) return kernel.why;
  return readFacts(facts, subgraph, subgraph.ops[kernel.ops[0]!]!)
    ? null
    : "its shapes or attributes are not those of the operator, so its work cannot be counted";
}

function prepareClass(predictor: PredictorCore, name: string): PreparedClass {
  const group = relatedClasses(name);
  return {
    model: predictor.classes.find((model) => model.kernel === name) ?? null,
    standIn: predictor.standIns.find((candidate) => candidate.group === group) ?? predictor.standIns.at(-1)!,
    features: listFeatures(name),
  };
}

interface KernelPrediction {
  ms: number;
  spread: number;
  /** Widening of the interval because of extrapolation, as a logarithm. */
  extra: number;
  extrapolated: string[];
}

function predictKernel({ model, standIn, features }: PreparedClass, name: string): KernelPrediction {
  writeFeatures(features, facts, row, 0);
  if (!model) {
    return {
      ms: evaluateRoofline(standIn.roofline, row),
      spread: standIn.spread,
      extra: standIn.spread,
      extrapolated: [
        `no ${name} kernel was measured: estimated from time per FLOP and byte of ${standIn.group}`,
      ],
    };
  }
  const { words, excess }: Extrapolation = findExtrapolation(model, features, row, 0);
  return {
    ms: evaluateClass(model, row, 0),
    spread: model.spread,
    extra: excess > 0 ? widenByExcess(excess) : 0,
    extrapolated: words,
  };
}
