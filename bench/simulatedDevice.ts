import { costOp } from "../src-main/model/cost.ts";
import { mainSubgraph, type Graph } from "../src-main/model/graph.ts";
import { createRandom, deriveSeed } from "../src-main/model/random.ts";
import type { MeasuredNetwork } from "../src-main/predict/dataset.ts";

/** How a simulated device errs. */
export interface SimulatedNoise {
  /** Deviation of one op's time, as a logarithm. */
  op: number;
  /** Deviation of a whole cell: the device was a little slower or faster that time. */
  cell: number;
}

/**
 * Measures a network on a device that does not exist: op times are a fixed non-linear function of shapes (peak rate, memory
 * rate, a penalty for short products, a staircase in the channels, a cache that overflows), with seeded noise, and the end-to-end time adds overhead.
 * For benchmarks and tests that need a known truth.
 */
export function simulateMeasurement(
  network: { name: string; family: string; graph: Graph },
  seed: number,
  noise: SimulatedNoise = { op: 0.03, cell: 0.02 },
): MeasuredNetwork {
  const random = createRandom(deriveSeed(seed, network.name));
  const cell = Math.exp(noise.cell * random.normal());
  const times = listTrueTimes(network.graph);
  const opTimes = times.map((ms, op) => ({ op, ms: ms * cell * Math.exp(noise.op * random.normal()) }));
  const sum = times.reduce((total, ms) => total + ms, 0);
  return {
    model: network.name,
    family: network.family,
    graph: network.graph,
    latencyMs: (sum + 0.1 + 0.002 * times.length) * cell * Math.exp(0.01 * random.normal()),
    opTimes,
    cell: deriveSeed(seed, network.name, "cell"),
  };
}

/** The device's true time of each op of the entry subgraph, ms. */
export function listTrueTimes(graph: Graph): number[] {
  const subgraph = mainSubgraph(graph);
  return subgraph.ops.map((op) => {
    const { flops, bytes } = costOp(subgraph, op);
    const shape = subgraph.tensors[op.outputs[0]!]!.shape;
    const channels = shape.at(-1) ?? 1;
    const filter = subgraph.tensors[op.inputs[1] ?? -1]?.shape ?? [];
    const product = op.type === "CONV_2D" || op.type === "FULLY_CONNECTED";
    const depth = product ? filter.slice(1).reduce((total, size) => total * size, 1) : 1;
    const rate = product ? 30e6 * (depth / (depth + 40)) : op.type === "DEPTHWISE_CONV_2D" ? 6e6 : 3e6;
    const staircase = product ? (Math.ceil(channels / 8) * 8) / channels : 1;
    const memory = bytes > 2e6 ? 5e6 : 9e6;
    return 0.002 + ((flops ?? 0) * staircase) / rate + bytes / memory;
  });
}
