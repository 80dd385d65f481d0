import { createRandom, deriveSeed } from "../../src-main/model/random.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import type { MeasuredNetwork } from "../../src-main/predict/dataset.ts";
import { planForGpu, type GpuTarget } from "../../src-main/predict/gpuPlan.ts";

/** The GPU the simulation pretends to be. */
export const target: GpuTarget = { gpu: "Mali-G76 MP12", rules: "tflite-2.10", precision: "float16" };

/** Classes the simulated benchmark has no rows of, as the published ones have none. */
const untold = /^gpu-(elementwise|copy|winograd-transform|resize)$/;

/** A network as a GPU with a simple law would run it, with noise; the same for the same graph and seed. */
export function simulateOnGpu(
  graph: Graph,
  { model, family, seed }: { model: string; family: string; seed: number },
): MeasuredNetwork {
  const random = createRandom(deriveSeed(seed, model));
  let latencyMs = 1;
  const kernelTimes = planForGpu(graph, target).kernels.flatMap(({ kernel, x, bytes }) => {
    const ms = (0.01 + x[0]! * 5e-9 + bytes * 4e-8) * Math.exp(0.02 * random.normal());
    latencyMs += ms + 0.01;
    return untold.test(kernel.class) ? [] : [{ ops: kernel.ops, name: kernel.name, ms }];
  });
  return { model, family, graph, latencyMs, opTimes: [], kernelTimes, cell: 1 };
}
