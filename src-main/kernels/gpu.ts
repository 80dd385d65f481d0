import { mainSubgraph } from "../model/graph.ts";
import type { Graph } from "../model/graph.ts";
import { readGpuDevice } from "./gpuDevice.ts";
import type { GpuDevice } from "./gpuDevice.ts";
import type { GpuKernel } from "./gpuKernel.ts";
import { linkSteps, orderInputs } from "./gpuLinking.ts";
import { mergeForGpu } from "./gpuMerging.ts";
import { shapeOf } from "./gpuNode.ts";
import type { GpuGraph } from "./gpuNode.ts";
import { parseForGpu } from "./gpuParsing.ts";
import { partitionForGpu } from "./gpuPartition.ts";
import type { CpuOp } from "./gpuPartition.ts";
import { completeGpuOptions } from "./gpuRules.ts";
import type { GpuOptions, GpuSettings } from "./gpuRules.ts";
import { GpuSelector } from "./gpuSelection.ts";
import type { GpuStep } from "./gpuStep.ts";
import { fuseThinConvolutions } from "./gpuThinFusion.ts";

/** What a GPU runs of a graph. */
export interface GpuKernels {
  device: GpuDevice;
  settings: GpuSettings;
  /** In execution order. */
  kernels: GpuKernel[];
  /** Ops of the entry subgraph that stay on the CPU. */
  cpu: CpuOp[];
  /** How many pieces of the graph the delegate could have taken; it takes the largest. */
  pieces: number;
}

/**
 * The kernels TFLite's GPU delegate runs for a graph's entry subgraph on a GPU with the name its driver gives (`Adreno (TM) 640`): the
 * graph is partitioned, parsed, merged, kernels are chosen and element-wise ones linked to those before them.
 */
export function deduceKernels(graph: Graph, gpuName: string, options: GpuOptions = {}): GpuKernels {
  const settings = completeGpuOptions(options);
  const device = readGpuDevice(gpuName);
  const subgraph = mainSubgraph(graph);
  const partition = partitionForGpu(subgraph, settings);
  const parsed = parseForGpu(subgraph, partition.gpu, settings);
  mergeForGpu(parsed, subgraph);
  const steps = selectSteps(parsed, device, settings);
  linkSteps(parsed, steps, settings);
  const kernels = steps.map((step) => finishStep(parsed, step, settings));
  return { device, settings, kernels, cpu: partition.cpu, pieces: partition.pieces };
}

function selectSteps(graph: GpuGraph, device: GpuDevice, settings: GpuSettings): GpuStep[] {
  const selector = new GpuSelector(graph, device, settings);
  const steps: GpuStep[] = [];
  const fused = new Set<number>();
  const written = new Map<number, number>(graph.inputs.map((value) => [value, -1]));
  graph.nodes.forEach((node, time) => {
    if (fused.has(node.id)) return;
    orderInputs(graph, node, written);
    const thin = fuseThinConvolutions(graph, node, device, settings);
    for (const { id } of thin?.nodes ?? []) fused.add(id);
    const made = thin ? [thin.step] : selector.select(node);
    for (const value of made.flatMap(({ outputs }) => outputs)) written.set(value, time);
    steps.push(...made);
  });
  return steps;
}

function finishStep(graph: GpuGraph, step: GpuStep, { rules }: GpuSettings): GpuKernel {
  const join = rules === "tflite-2.10" ? "_linked_:_" : " -> ";
  const shapes = (values: readonly number[]) => values.map((value) => shapeOf(graph, value));
  return {
    class: step.class,
    variant: step.variant,
    name: [step.label, ...step.links.map(({ label }) => label)].join(join),
    ops: step.ops,
    linked: step.links.map(({ type, op, operands }) => ({ type, op, operands: shapes(operands) })),
    inputs: shapes(step.inputs),
    outputs: shapes(step.outputs),
    window: step.window,
    why: step.why,
  };
}
