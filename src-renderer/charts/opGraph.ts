import type { ModelDetail, OpDetail } from "../../src-main/lab/contract.ts";

/** A graph of numbered nodes; edges carry no data, and there is at most one between two nodes. */
export interface NodeLinks {
  /** The nodes each node reads from, in the order of its inputs. */
  before: number[][];
  /** The nodes that read from each node, in order of execution. */
  after: number[][];
}

/** A node of a network's graph: where data come in, an op, or where data go out. */
export type OpNode =
  | { kind: "input"; shape: number[] }
  | { kind: "op"; op: OpDetail; shape: number[] }
  | { kind: "output"; shape: number[] };

/** The ops of one subgraph with the activations between them; constants are part of the op that reads them. */
export interface OpGraph extends NodeLinks {
  nodes: OpNode[];
}

/**
 * The graph of a network's subgraph. Inputs and outputs are told of the entry graph only, so that of another subgraph there
 * are its ops. Nodes stand in order of execution: inputs, ops, outputs.
 */
export function linkOps(model: ModelDetail, subgraph = 0): OpGraph {
  const entry = subgraph === 0;
  const ops = model.ops.filter((op) => op.subgraph === subgraph);
  const inputs = entry ? model.inputTensors : [];
  const outputs = entry ? model.outputTensors : [];
  const nodes: OpNode[] = [
    ...inputs.map((_, place) => ({ kind: "input" as const, shape: model.inputs[place]?.shape ?? [] })),
    ...ops.map((op) => ({ kind: "op" as const, op, shape: op.outputs[0] ?? [] })),
    ...outputs.map((_, place) => ({ kind: "output" as const, shape: model.outputs[place]?.shape ?? [] })),
  ];
  const maker = new Map<number, number>();
  const before: number[][] = nodes.map(() => []);
  const after: number[][] = nodes.map(() => []);
  const link = (tensor: number, to: number) => {
    const from = maker.get(tensor);
    // What nothing made is a constant.
    if (from === undefined || before[to]!.includes(from)) return;
    before[to]!.push(from);
    after[from]!.push(to);
  };
  inputs.forEach((tensor, place) => maker.set(tensor, place));
  ops.forEach((op, place) => {
    const node = inputs.length + place;
    for (const tensor of op.inputTensors) link(tensor, node);
    for (const tensor of op.outputTensors) maker.set(tensor, node);
  });
  outputs.forEach((tensor, place) => link(tensor, inputs.length + ops.length + place));
  return { nodes, before, after };
}
