import type { OpPrediction } from "../lab/contract.ts";
import { listCpuKernels, type CpuKernel } from "../kernels/cpu.ts";
import { mainSubgraph, type Graph, type Subgraph } from "../model/graph.ts";
import { predictEndToEnd } from "./endToEndPrediction.ts";
import { createFacts, readFacts } from "./facts.ts";
import { listFeatures, writeFeatures } from "./features.ts";
import type { NetworkPrediction, PredictorCore } from "./fittedPredictor.ts";
import { predictOnGpu } from "./gpuPrediction.ts";
import { predictKernel, prepareClass } from "./kernelPrediction.ts";
import { evaluateOverhead } from "./overhead.ts";

const facts = createFacts();
const row = new Float64Array(64);

/**
 * Predicts a network from its graph alone. Ops whose kernel has no class or cannot be costed are listed as uncovered with
 * the reason and have no part in the time; every other op has a positive time, by a stand-in where its class was never
 * measured.
 */
export function predictNetwork(predictor: PredictorCore, graph: Graph): NetworkPrediction {
  if (predictor.gpu) return predictOnGpu(predictor, predictor.gpu, graph);
  if (predictor.endToEnd) return predictEndToEnd(predictor, predictor.endToEnd, graph);
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
    writeFeatures(listFeatures(name), facts, row, 0);
    const { ms, spread, extra, extrapolated } = predictKernel(prepareClass(predictor, name), row, 0);
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
