import type { ModelDetail, OpDetail, TensorSummary } from "../lab/contract.ts";
import { costGraph, costOp } from "./cost.ts";
import { mainSubgraph, type Graph, type Subgraph } from "./graph.ts";

/** All there is to know of a network's graph under the name the lab gives it; `fileBytes` is the size of its file. */
export function inspectGraph(graph: Graph, name: string, fileBytes: number): ModelDetail {
  const main = mainSubgraph(graph);
  const cost = costGraph(graph);
  const ops = graph.subgraphs.flatMap(listOps);
  const tensors = graph.subgraphs.flatMap((subgraph) => subgraph.tensors);
  return {
    name,
    description: graph.description,
    paper: null,
    inputs: main.inputs.map((index) => summarizeTensor(main, index)),
    outputs: main.outputs.map((index) => summarizeTensor(main, index)),
    inputTensors: [...main.inputs],
    outputTensors: [...main.outputs],
    ops,
    flops: cost.flops,
    params: cost.params,
    bytes: fileBytes,
    subgraphs: graph.subgraphs.length,
    quantized: tensors.some(({ quantization, dtype }) => quantization !== null && !dtype.includes("float")),
    sparse: tensors.some(({ sparse }) => sparse),
    dynamic: tensors.some(({ shapeSignature }) => shapeSignature !== undefined),
    uncosted: countUncosted(ops),
  };
}

function summarizeTensor(subgraph: Subgraph, index: number): TensorSummary {
  const { shape, shapeSignature, dtype } = subgraph.tensors[index]!;
  return { shape: [...(shapeSignature ?? shape)], dtype };
}

function listOps(subgraph: Subgraph, place: number): OpDetail[] {
  // An absent optional input has no shape; it keeps its place in `inputTensors` as −1.
  const shapes = (indices: readonly number[]) =>
    indices.filter((index) => index >= 0).map((index) => [...subgraph.tensors[index]!.shape]);
  return subgraph.ops.map((op, index) => ({
    index,
    op: op.type,
    custom: op.custom,
    subgraph: place,
    inputs: shapes(op.inputs),
    outputs: shapes(op.outputs),
    inputTensors: [...op.inputs],
    outputTensors: [...op.outputs],
    attributes: { ...op.attributes },
    ...costOp(subgraph, op),
  }));
}

function countUncosted(ops: readonly OpDetail[]): ModelDetail["uncosted"] {
  const counts = new Map<string, number>();
  for (const { op, flops } of ops) if (flops === null) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, count]) => ({ op, count }));
}
