import { costOp } from "../src-main/model/cost.ts";
import { mainSubgraph } from "../src-main/model/graph.ts";
import type { Graph, Op, Subgraph } from "../src-main/model/graph.ts";
import { formatRow } from "./publishedRows.ts";

/** Rows of one side that the other lacks; a row that occurs n times stands there with its count. */
export interface RowDifference {
  missing: { row: string; count: number }[];
  extra: { row: string; count: number }[];
}

/**
 * The ops of a graph that the published tables list (convolutions, pools, fully connected, concatenations, means), each as
 * the line `formatRow` writes. A shape is a height; a MEAN's kernel tells whether it keeps the reduced dimensions.
 */
export function listGraphRows(graph: Graph): string[] {
  const main = mainSubgraph(graph);
  return main.ops.flatMap((op) => describeGraphRow(main, op) ?? []);
}

/** The published line of one op, null for operators the tables do not list. */
export function describeGraphRow(subgraph: Subgraph, op: Op): string | null {
  const shape = (index: number | undefined) => subgraph.tensors[index ?? -1]?.shape ?? [];
  const [input, weights, output] = [shape(op.inputs[0]), shape(op.inputs[1]), shape(op.outputs[0])];
  const flops = costOp(subgraph, op).flops ?? "-";
  const size = (dimensions: number[]) => dimensions[1] ?? "-";
  const [channels, filters] = [input.at(-1) ?? "-", output.at(-1) ?? "-"];
  const stride = Number(op.attributes["strideH"]);
  const places = [size(input), channels, size(output)];
  switch (op.type) {
    case "CONV_2D": {
      const groups = Number(channels) / weights[3]!;
      const name = groups > 1 ? "CONV_2D_GROUP" : "CONV_2D";
      return formatRow(name, [...places, stride, weights[1]!, filters, groups, flops]);
    }
    case "DEPTHWISE_CONV_2D":
      return formatRow(op.type, [...places, stride, weights[1]!, 1, 1, flops]);
    case "AVERAGE_POOL_2D":
    case "MAX_POOL_2D":
      return formatRow(op.type, [...places, stride, Number(op.attributes["filterHeight"]), "-", "-", flops]);
    case "MEAN":
      return formatRow(op.type, [
        size(input),
        channels,
        filters,
        "-",
        op.attributes["keepDims"] ? 1 : 0,
        "-",
        "-",
        flops,
      ]);
    case "FULLY_CONNECTED":
      return formatRow(op.type, ["-", channels, "-", "-", "-", filters, "-", flops]);
    case "CONCATENATION":
      return formatRow(op.type, [...places, "-", op.inputs.length, filters, "-", "-"]);
    default:
      return null;
  }
}

/** Compares two multisets of rows. */
export function compareRows(ours: readonly string[], published: readonly string[]): RowDifference {
  const balance = new Map<string, number>();
  for (const row of published) balance.set(row, (balance.get(row) ?? 0) + 1);
  for (const row of ours) balance.set(row, (balance.get(row) ?? 0) - 1);
  const pick = (sign: number) =>
    [...balance].flatMap(([row, count]) => (count * sign > 0 ? [{ row, count: count * sign }] : []));
  return { missing: pick(1), extra: pick(-1) };
}
