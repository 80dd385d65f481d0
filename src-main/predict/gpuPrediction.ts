import type { OpPrediction } from "../lab/contract.ts";
import { mainSubgraph, type Graph, type Subgraph } from "../model/graph.ts";
import type { GpuModel, NetworkPrediction, PredictorCore } from "./fittedPredictor.ts";
import { evaluateGpuOverhead } from "./gpuOverhead.ts";
import { planForGpu, type PlannedKernel } from "./gpuPlan.ts";
import { predictKernel, prepareClass, type KernelPrediction } from "./kernelPrediction.ts";

/**
 * Predicts a network on a GPU from its graph alone: the kernels the GPU will run, each with the ops it covers and the
 * reasons for it. Kernels of classes that were never timed are part of the overhead; ops that stay on the CPU are uncovered.
 */
export function predictOnGpu(predictor: PredictorCore, gpu: GpuModel, graph: Graph): NetworkPrediction {
  const plan = planForGpu(graph, gpu);
  const subgraph = mainSubgraph(graph);
  const untimed = new Set(gpu.untimed);
  const work = { times: [] as number[], untimed: 0, untimedBytes: 0, bytes: 0 };
  const ops = new Map<number, OpPrediction>();
  let kernelMs = 0;
  let widened = 0;
  for (const planned of plan.kernels) {
    const { kernel, x, bytes } = planned;
    work.bytes += bytes;
    if (untimed.has(kernel.class)) {
      work.untimed++;
      work.untimedBytes += bytes;
      continue;
    }
    const predicted = predictKernel(prepareClass(predictor, kernel.class), x, 0);
    work.times.push(predicted.ms);
    kernelMs += predicted.ms;
    widened += predicted.ms * predicted.extra;
    const op = describeKernel(planned, predicted, subgraph);
    const known = ops.get(planned.op);
    ops.set(planned.op, known ? joinKernels(known, op) : op);
  }
  const overheadMs = evaluateGpuOverhead(gpu.overhead, work);
  const latencyMs = kernelMs + overheadMs;
  const factor = Math.exp(predictor.spread + (kernelMs > 0 ? widened / kernelMs : 0));
  return {
    latencyMs,
    lowMs: latencyMs / factor,
    highMs: latencyMs * factor,
    overheadMs,
    ops: [...ops.values()],
    uncovered: plan.cpu.map(({ op, why }) => ({ index: op, op: subgraph.ops[op]!.type, reason: why })),
  };
}

function describeKernel(
  { kernel, op }: PlannedKernel,
  { ms, spread, extra, extrapolated }: KernelPrediction,
  subgraph: Subgraph,
): OpPrediction {
  const factor = Math.exp(spread + extra);
  return {
    index: op,
    op: subgraph.ops[op]?.type ?? kernel.class,
    kernel: kernel.class,
    ms,
    lowMs: ms / factor,
    highMs: ms * factor,
    extrapolated,
    ...(kernel.ops.length > 1 ? { ops: [...kernel.ops] } : {}),
    ...(kernel.why.length > 0 ? { why: [...kernel.why] } : {}),
  };
}

// An op that several kernels run (Winograd's transforms around its product) is shown once, under the longest.
function joinKernels(a: OpPrediction, b: OpPrediction): OpPrediction {
  const distinct = <T>(values: readonly T[]) => [...new Set(values)];
  const [long, short] = a.ms >= b.ms ? [a, b] : [b, a];
  const ops = distinct([a.index, ...(a.ops ?? []), ...(b.ops ?? [])]);
  return {
    ...long,
    ms: a.ms + b.ms,
    lowMs: a.lowMs + b.lowMs,
    highMs: a.highMs + b.highMs,
    extrapolated: distinct([...long.extrapolated, ...short.extrapolated]),
    ...(ops.length > 1 ? { ops } : {}),
    why: distinct([...(a.why ?? []), ...(b.why ?? [])]),
  };
}
