import { costGraph } from "../src-main/model/cost.ts";
import { mainSubgraph } from "../src-main/model/graph.ts";
import type { Graph } from "../src-main/model/graph.ts";

const countedOperators = new Set([
  "CONV_2D",
  "DEPTHWISE_CONV_2D",
  "FULLY_CONNECTED",
  "BATCH_MATMUL",
  "AVERAGE_POOL_2D",
  "MEAN",
]);

/**
 * FLOPs as the published table of transformers counts them: convolutions, fully connected layers, matrix products, pools and
 * means as `costGraph` does, nothing for softmax, activations and arithmetic of elements. Found by comparison: so counted, all
 * 28 networks agree with the table in every digit it gives, and with any of these operators left out or one added they do not.
 */
export function countPublishedFlops(graph: Graph): number {
  const { ops } = mainSubgraph(graph);
  return costGraph(graph).ops.reduce(
    (sum, { flops }, index) => sum + (countedOperators.has(ops[index]!.type) ? (flops ?? 0) : 0),
    0,
  );
}
