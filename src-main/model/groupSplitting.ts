import type { ConstantData, Graph, Op, Quantization, Subgraph, Tensor } from "./graph.ts";
import { deriveSeed } from "./random.ts";

/** How many groups a CONV_2D has: input channels ÷ the depth of its filter; 1 for every other op. */
export function countGroups(subgraph: Subgraph, op: Op): number {
  if (op.custom || op.type !== "CONV_2D") return 1;
  const channels = subgraph.tensors[op.inputs[0] ?? -1]?.shape[3];
  const depth = subgraph.tensors[op.inputs[1] ?? -1]?.shape[3];
  return channels && depth && channels % depth === 0 ? channels / depth : 1;
}

/**
 * The same network for runtimes whose CONV_2D knows no groups (TFLite up to 2.9): each grouped convolution becomes SPLIT, a
 * convolution for each group, and CONCATENATION. Stored weights are shared out; random ones are drawn anew for each group.
 */
export function splitGroups(graph: Graph): Graph {
  return { ...graph, subgraphs: graph.subgraphs.map(splitSubgraph) };
}

function splitSubgraph(subgraph: Subgraph): Subgraph {
  const split: Subgraph = { ...subgraph, tensors: [...subgraph.tensors], ops: [] };
  for (const op of subgraph.ops) {
    const groups = countGroups(subgraph, op);
    if (groups === 1) split.ops.push(op);
    else splitConvolution(split, op, groups);
  }
  return split;
}

function splitConvolution(subgraph: Subgraph, op: Op, groups: number): void {
  const { tensors, ops } = subgraph;
  const [input, output] = [tensors[op.inputs[0]!]!, tensors[op.outputs[0]!]!];
  const add = (tensor: Tensor) => tensors.push(tensor) - 1;
  const pieceOf = (tensor: Tensor, name: string) =>
    add({ ...tensor, name, shape: tensor.shape.with(3, tensor.shape[3]! / groups) });
  const axis = add({
    name: `${output.name}/split/axis`,
    shape: [],
    dtype: "int32",
    data: { kind: "values", values: [3] },
    quantization: null,
    isVariable: false,
    sparse: false,
  });
  const range = Array.from({ length: groups }, (_, group) => group);
  const pieces = range.map((group) => pieceOf(input, `${output.name}/split/${group}`));
  const results = range.map((group) => pieceOf(output, `${output.name}/group${group + 1}`));
  const plain = { custom: false, version: input.dtype === "float32" ? 1 : 2 };
  ops.push({
    ...plain,
    type: "SPLIT",
    inputs: [axis, op.inputs[0]!],
    outputs: pieces,
    attributes: { numSplits: groups },
  });
  for (const group of range) {
    const weights = op.inputs
      .slice(1)
      .map((index) => (index < 0 ? index : add(takeShare(tensors[index]!, groups, group))));
    ops.push({
      ...op,
      version: input.dtype === "float32" ? 1 : 3,
      inputs: [pieces[group]!, ...weights],
      outputs: [results[group]!],
    });
  }
  ops.push({
    ...plain,
    type: "CONCATENATION",
    inputs: results,
    outputs: [op.outputs[0]!],
    attributes: { axis: 3, fusedActivationFunction: "NONE" },
  });
}

/** A group's part of a filter or bias, whose first axis counts the output channels. */
function takeShare(tensor: Tensor, groups: number, group: number): Tensor {
  const filters = tensor.shape[0]!;
  const share = <T extends { length: number; slice(from: number, to: number): T }>(list: T): T => {
    const size = list.length / groups;
    return list.slice(group * size, (group + 1) * size);
  };
  const perChannel = (list: number[]) => (list.length === filters ? share(list) : list);
  const shareQuantization = ({ axis, ...lists }: Quantization): Quantization => ({
    axis,
    scales: perChannel(lists.scales),
    zeroPoints: perChannel(lists.zeroPoints),
    min: perChannel(lists.min),
    max: perChannel(lists.max),
  });
  const name = `${tensor.name}/group${group + 1}`;
  const shareData = (data: ConstantData): ConstantData => {
    if (data.kind === "random" || data.kind === "rounded")
      return { ...data, seed: deriveSeed(data.seed, name) };
    if (data.kind === "values") return { ...data, values: share(data.values) };
    const bytes = data.kind === "derived" ? data.derive() : data.bytes;
    const size = bytes.length / groups;
    return { kind: "bytes", bytes: bytes.subarray(group * size, (group + 1) * size) };
  };
  return {
    ...tensor,
    name,
    shape: tensor.shape.with(0, filters / groups),
    data: tensor.data && shareData(tensor.data),
    quantization: tensor.quantization && shareQuantization(tensor.quantization),
  };
}
