import type { Graph, Subgraph } from "./graph.ts";
import { FlatError } from "./flatTable.ts";

const outside = -1;
const nobody = -2;

/**
 * Checks that every tensor has one writer which comes before its readers, so that whoever follows a graph from readers to
 * writers comes to an end. `fail` receives the problem in words.
 */
export function checkOrder(subgraph: Subgraph, fail: (problem: string) => never): void {
  const { tensors, ops } = subgraph;
  const writer = new Int32Array(tensors.length).fill(nobody);
  for (const index of subgraph.inputs) writer[index] = outside;
  tensors.forEach((tensor, index) => {
    // Variables are written again and again by design.
    if (tensor.data || tensor.isVariable) writer[index] = outside;
  });
  ops.forEach((op, place) => {
    for (const index of op.outputs) {
      if (tensors[index]!.isVariable) continue;
      if (writer[index] !== nobody)
        fail(`the operator ${place} (${op.type}) writes the tensor ${index}, which is written already`);
      writer[index] = place;
    }
  });
  ops.forEach((op, place) => {
    for (const index of op.inputs)
      if (index >= 0 && writer[index]! >= place)
        fail(
          `the operator ${place} (${op.type}) reads the tensor ${index} before the operator ${writer[index]} writes it`,
        );
  });
}

/** Checks that control flow refers to subgraphs that exist. */
export function checkSubgraphReferences(graph: Graph): void {
  const count = graph.subgraphs.length;
  graph.subgraphs.forEach((subgraph, owner) =>
    subgraph.ops.forEach((op, place) => {
      for (const [name, value] of Object.entries(op.attributes)) {
        if (!/subgraph(Index|Indices)?$/i.test(name)) continue;
        // −1 stands for none.
        for (const index of Array.isArray(value) ? value : [value])
          if (typeof index !== "number" || index < -1 || index >= count)
            throw new FlatError(
              `subgraph ${owner}, operator ${place}: its ${name} is ${String(index)}, of ${count}`,
            );
      }
    }),
  );
}
