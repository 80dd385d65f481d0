import type { ConstantData, Graph, Quantization, Tensor } from "../model/graph.ts";

/** Constants up to this size are kept: shapes, paddings and axes that decide what an op does. */
const keptBytes = 4096;

/**
 * A graph as fitting and predicting need it, without its weights: large constants are replaced by seeds, so that a cached
 * graph does not hold its file in memory.
 */
export function stripWeights(graph: Graph): Graph {
  // Tensors that share a constant go on sharing it: parameters are counted by it.
  const stripped = new Map<ConstantData, ConstantData>();
  const stripTensor = (tensor: Tensor): Tensor => {
    const { quantization } = tensor;
    const kept =
      quantization && quantization.scales.length > 1
        ? { ...tensor, quantization: stripScales(quantization) }
        : tensor;
    if (tensor.data?.kind !== "bytes") return kept;
    const data = stripped.get(tensor.data) ?? stripConstant(tensor.data.bytes);
    stripped.set(tensor.data, data);
    return { ...kept, data };
  };
  return {
    ...graph,
    metadata: [],
    subgraphs: graph.subgraphs.map((subgraph) => ({
      ...subgraph,
      tensors: subgraph.tensors.map(stripTensor),
      ops: subgraph.ops.map((op) =>
        op.customOptions ? { ...op, customOptions: Uint8Array.from(op.customOptions) } : op,
      ),
    })),
  };
}

// Scales of every channel of every filter take more memory than all the rest; that there are some is all that counts.
function stripScales(quantization: Quantization): Quantization {
  return {
    ...quantization,
    scales: quantization.scales.slice(0, 1),
    zeroPoints: quantization.zeroPoints.slice(0, 1),
  };
}

function stripConstant(bytes: Uint8Array): ConstantData {
  if (bytes.length > keptBytes) return { kind: "random", seed: 0, limit: 0 };
  return { kind: "bytes", bytes: Uint8Array.from(bytes) };
}

/** The graphs used last, by hash. */
export class GraphCache {
  private readonly graphs = new Map<string, Graph>();
  private readonly capacity: number;

  /** `capacity` counts graphs; one of a hundred ops takes about 50 kB. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The graph of a hash, read by `read` when it is not at hand. */
  get(hash: string, read: () => Graph): Graph {
    const known = this.graphs.get(hash);
    const graph = known ?? stripWeights(read());
    // Taken out and put in again: a Map keeps the order of insertion, so the first key is the one used longest ago.
    this.graphs.delete(hash);
    this.graphs.set(hash, graph);
    if (this.graphs.size > this.capacity) this.graphs.delete(this.graphs.keys().next().value!);
    return graph;
  }
}
