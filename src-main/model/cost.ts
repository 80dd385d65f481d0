import { costClass, type CostClass } from "./costClass.ts";
import {
  countElements,
  mainSubgraph,
  tensorBytes,
  type ConstantData,
  type Graph,
  type Op,
  type Subgraph,
  type Tensor,
} from "./graph.ts";

/** What one op costs. */
export interface OpCost {
  /** Floating-point (or integer) operations, 2 × multiply-accumulates; null when the operator cannot be costed. */
  flops: number | null;
  /** Elements of the constant weights it reads. */
  params: number;
  /** Bytes of its inputs, weights and outputs. */
  bytes: number;
}

/** What a network costs. */
export interface GraphCost {
  /** Sum over the ops that can be costed. */
  flops: number;
  /** Elements of all weights of all subgraphs; a constant that several ops share counts once. */
  params: number;
  /** Traffic: the sum of the ops' bytes, activations and weights. */
  bytes: number;
  /** The entry subgraph's ops in order. */
  ops: OpCost[];
}

/**
 * Cost of the entry subgraph's ops and their sum. Conventions: convolutions, fully connected layers and matrix products
 * count 2 × their multiply-accumulates, without bias and fused activation; element-wise operators and softmax one per output
 * element, hard-swish two; pools their window per output element; reductions one per input element; what only moves data
 * nothing. Dynamic dimensions count as their placeholder, the batch as it is.
 */
export function costGraph(graph: Graph): GraphCost {
  const main = mainSubgraph(graph);
  const ops = main.ops.map((op) => costOp(main, op));
  const cost: GraphCost = { flops: 0, params: 0, bytes: 0, ops };
  for (const { flops, bytes } of ops) {
    cost.flops += flops ?? 0;
    cost.bytes += bytes;
  }
  const seen = new Map<ConstantData, Set<number>>();
  for (const subgraph of graph.subgraphs)
    for (const op of subgraph.ops)
      for (const tensor of listWeights(subgraph, op)) {
        const elements = countElements(tensor.shape);
        const sizes = seen.get(tensor.data!) ?? new Set<number>();
        seen.set(tensor.data!, sizes);
        if (!sizes.has(elements)) cost.params += elements;
        sizes.add(elements);
      }
  return cost;
}

/** Cost of one op of a subgraph. */
export function costOp(subgraph: Subgraph, op: Op): OpCost {
  let params = 0;
  for (const tensor of listWeights(subgraph, op)) params += countElements(tensor.shape);
  let bytes = 0;
  for (const index of new Set([...op.inputs, ...op.outputs]))
    if (index >= 0) bytes += tensorBytes(subgraph.tensors[index]!);
  return { flops: countFlops(subgraph, op), params, bytes };
}

/** Operators whose 32-bit integer constants from this input on are biases; elsewhere they are shapes, axes and indices. */
const biasFrom: Record<string, number> = {
  CONV_2D: 2,
  DEPTHWISE_CONV_2D: 2,
  FULLY_CONNECTED: 2,
  CONV_3D: 2,
  TRANSPOSE_CONV: 3,
  CONV_3D_TRANSPOSE: 3,
};

function listWeights(subgraph: Subgraph, op: Op): Tensor[] {
  const weights: Tensor[] = [];
  op.inputs.forEach((index, place) => {
    const tensor = subgraph.tensors[index];
    if (!tensor?.data || weights.includes(tensor)) return;
    const bias = place >= (op.custom ? Infinity : (biasFrom[op.type] ?? Infinity));
    if (isReal(tensor) || (bias && (tensor.dtype === "int32" || tensor.dtype === "int64")))
      weights.push(tensor);
  });
  return weights;
}

// Integers without quantisation are shapes, axes and indices.
function isReal(tensor: Tensor): boolean {
  return tensor.dtype.includes("float") || tensor.quantization !== null;
}

function countFlops(subgraph: Subgraph, op: Op): number | null {
  if (op.custom) return null;
  const kind = costClass(op.type);
  if (kind === null) return null;
  const input = (place: number): Tensor | undefined => subgraph.tensors[op.inputs[place] ?? -1];
  const output = subgraph.tensors[op.outputs[0] ?? -1];
  if (!output) return kind.kind === "movement" ? 0 : null;
  return flopsOf[kind.kind]({ kind, op, input, output });
}

interface OpView {
  kind: CostClass;
  op: Op;
  input: (place: number) => Tensor | undefined;
  output: Tensor;
}

const flopsOf: Record<CostClass["kind"], (view: OpView) => number | null> = {
  movement: () => 0,
  elementwise: ({ kind, output }) => (kind.factor ?? 1) * countElements(output.shape),
  reduction: ({ input }) => ifPresent(input(0), (tensor) => countElements(tensor.shape)),
  pool: ({ op, output }) => {
    const { filterWidth, filterHeight } = op.attributes;
    if (typeof filterWidth !== "number" || typeof filterHeight !== "number") return null;
    return filterWidth * filterHeight * countElements(output.shape);
  },
  // Filters lie as [out, height, width, in / groups]: the filter's own depth takes care of groups.
  convolution: ({ input, output }) =>
    ifRank(input(1), 4, ([, h, w, depth]) => 2 * countElements(output.shape) * h! * w! * depth!),
  depthwise: ({ input, output }) =>
    ifRank(input(1), 4, ([, h, w]) => 2 * countElements(output.shape) * h! * w!),
  // Each input element meets every weight of its channel, whatever the stride makes of the output.
  transposed: ({ input }) =>
    ifRank(input(1), 4, ([out, h, w]) =>
      ifPresent(input(2), (tensor) => 2 * countElements(tensor.shape) * out! * h! * w!),
    ),
  convolution3d: ({ input, output }) =>
    ifRank(input(1), 5, ([d, h, w, depth]) => 2 * countElements(output.shape) * d! * h! * w! * depth!),
  transposed3d: ({ input }) =>
    ifRank(input(1), 5, ([d, h, w, out]) =>
      ifPresent(input(2), (tensor) => 2 * countElements(tensor.shape) * d! * h! * w! * out!),
    ),
  fullyConnected: ({ input, output }) =>
    ifRank(input(1), 2, ([, depth]) => 2 * countElements(output.shape) * depth!),
  matrixProduct: ({ op, input, output }) =>
    ifPresent(input(0), ({ shape }) => {
      const depth = shape.at(op.attributes["adjX"] === true ? -2 : -1);
      return depth === undefined ? null : 2 * countElements(output.shape) * depth;
    }),
  // The runtime converts a constant once, before the first inference.
  conversion: ({ input, output }) => (input(0)?.data ? 0 : countElements(output.shape)),
  sumOfAll: ({ op, output }) => Math.max(op.inputs.length - 1, 0) * countElements(output.shape),
  // Each element squares and adds its window, then scales by a power of the sum.
  localNormalization: ({ op, output }) => {
    const { radius } = op.attributes;
    return typeof radius === "number" ? (2 * (2 * radius + 1) + 3) * countElements(output.shape) : null;
  },
};

function ifPresent(tensor: Tensor | undefined, cost: (tensor: Tensor) => number | null): number | null {
  return tensor ? cost(tensor) : null;
}

function ifRank(
  tensor: Tensor | undefined,
  rank: number,
  cost: (shape: readonly number[]) => number | null,
): number | null {
  return tensor?.shape.length === rank ? cost(tensor.shape) : null;
}
