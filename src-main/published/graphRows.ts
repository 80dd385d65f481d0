import { costOp } from "../model/cost.ts";
import { mainSubgraph, type Graph, type Op, type Subgraph } from "../model/graph.ts";
import type { PublishedFeatures } from "./featureText.ts";

/** The operation and features the data set would publish for an op. */
export interface GraphRow {
  operation: string;
  features: PublishedFeatures;
}

/**
 * What the data set publishes of an op: convolutions, pools, fully connected layers, concatenations and means; null for the others,
 * which have no row. A shape is a height; a mean's `Kernel` tells whether it keeps the reduced dimensions, a concatenation's is its
 * number of inputs.
 */
export function describeGraphRow(subgraph: Subgraph, op: Op): GraphRow | null {
  const shape = (index: number | undefined) => subgraph.tensors[index ?? -1]?.shape ?? [];
  const [input, weights, output] = [shape(op.inputs[0]), shape(op.inputs[1]), shape(op.outputs[0])];
  const FLOPS = costOp(subgraph, op).flops;
  const [channels, filters] = [input.at(-1) ?? null, output.at(-1) ?? null];
  const stride = Number(op.attributes["strideH"]);
  const places = { Input_shape: input[1] ?? null, Input_channel: channels, Output_shape: output[1] ?? null };
  const none = { Stride: null, Kernel: null, Filter: null, Group: null };
  const row = (features: PublishedFeatures, operation: string = op.type) => ({
    operation,
    features: { ...places, ...none, FLOPS, ...features },
  });
  switch (op.type) {
    case "CONV_2D": {
      const Group = Number(channels) / (weights[3] ?? 1);
      const operation = Group > 1 ? "CONV_2D_GROUP" : "CONV_2D";
      return row({ Stride: stride, Kernel: weights[1] ?? null, Filter: filters, Group }, operation);
    }
    case "DEPTHWISE_CONV_2D":
      return row({ Stride: stride, Kernel: weights[1] ?? null, Filter: 1, Group: 1 });
    case "AVERAGE_POOL_2D":
    case "MAX_POOL_2D":
      return row({ Stride: stride, Kernel: Number(op.attributes["filterHeight"]) });
    case "MEAN":
      return row({ Output_shape: filters, Kernel: op.attributes["keepDims"] ? 1 : 0 });
    case "FULLY_CONNECTED":
      return row({ Input_shape: null, Output_shape: null, Filter: filters });
    case "CONCATENATION":
      return row({ Kernel: op.inputs.length, Filter: filters, FLOPS: null });
    default:
      return null;
  }
}

// FLOPs follow from the others, and are published rounded or counted otherwise for some classes.
const identifying = [
  "Input_shape",
  "Input_channel",
  "Output_shape",
  "Stride",
  "Kernel",
  "Filter",
  "Group",
] as const;

function keyOf({ operation, features }: GraphRow): string {
  return `${operation} ${identifying.map((name) => String(features[name] ?? "-")).join(" ")}`;
}

/**
 * The op of a graph that each published row is, by index in the entry subgraph; null where there is none. Rows and ops of the same
 * operation and features are paired in order, so that branches may come in another order than in the graph.
 */
export function alignRows(graph: Graph, rows: readonly GraphRow[]): (number | null)[] {
  const main = mainSubgraph(graph);
  const waiting = new Map<string, number[]>();
  main.ops.forEach((op, index) => {
    const row = describeGraphRow(main, op);
    if (!row) return;
    const key = keyOf(row);
    const list = waiting.get(key);
    if (list) list.push(index);
    else waiting.set(key, [index]);
  });
  for (const list of waiting.values()) list.reverse();
  return rows.map((row) => waiting.get(keyOf(row))?.pop() ?? null);
}
