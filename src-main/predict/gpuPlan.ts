import { deduceKernels } from "../kernels/gpu.ts";
import type { GpuKernel } from "../kernels/gpuKernel.ts";
import type { CpuOp } from "../kernels/gpuPartition.ts";
import type { GpuRuleSet } from "../kernels/gpuRules.ts";
import type { Graph } from "../model/graph.ts";
import { readGpuFacts } from "./gpuFacts.ts";
import { listGpuFeatures, writeGpuFeatures } from "./gpuFeatures.ts";

/** The GPU whose kernels are deduced, and how. */
export interface GpuTarget {
  /** As its driver names it. */
  gpu: string;
  rules: GpuRuleSet;
  precision: "float16" | "float32";
}

/** A kernel a GPU will run, with its features. */
export interface PlannedKernel {
  kernel: GpuKernel;
  /** The op that does the work, by index in the entry subgraph. */
  op: number;
  x: Float64Array;
  /** Bytes it reads and writes, weights included. */
  bytes: number;
}

/** What a GPU will run of a graph, and the ops it leaves to the CPU. */
export interface GpuPlan {
  kernels: PlannedKernel[];
  cpu: CpuOp[];
}

// A study predicts the same networks thousands of times; deducing their kernels takes longer than predicting them.
const plans = new WeakMap<Graph, Map<string, GpuPlan>>();

/** Deduces the kernels of a graph on a GPU with their features; kept as long as the graph is. */
export function planForGpu(graph: Graph, target: GpuTarget): GpuPlan {
  let known = plans.get(graph);
  if (!known) plans.set(graph, (known = new Map()));
  const key = `${target.rules} ${target.precision} ${target.gpu}`;
  let plan = known.get(key);
  if (!plan) known.set(key, (plan = makePlan(graph, target)));
  return plan;
}

function makePlan(graph: Graph, { gpu, rules, precision }: GpuTarget): GpuPlan {
  const { kernels, cpu, device } = deduceKernels(graph, gpu, { rules, precision });
  return {
    cpu,
    kernels: kernels.map((kernel): PlannedKernel => {
      const facts = readGpuFacts(device, kernel, precision);
      const features = listGpuFeatures(kernel.class);
      const x = new Float64Array(features.length);
      writeGpuFeatures(features, facts, x, 0);
      const bytes = facts.readBytes + facts.writeBytes + facts.weightBytes;
      return { kernel, op: kernel.ops[0] ?? -1, x, bytes };
    }),
  };
}
