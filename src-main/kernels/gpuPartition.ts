import { findConstantTensors } from "../model/constantTensors.ts";
import type { Subgraph } from "../model/graph.ts";
import { refuseOp } from "./gpuSupport.ts";
import type { GpuSettings } from "./gpuRules.ts";

/** An op the CPU keeps, with the reason in words. */
export interface CpuOp {
  op: number;
  why: string;
}

/** Which ops the GPU takes: one piece of the graph, by indices in execution order. */
export interface GpuPartition {
  gpu: number[];
  cpu: CpuOp[];
  /** How many pieces the delegate could have taken; it takes the largest. */
  pieces: number;
}

/**
 * Cuts a graph into pieces the delegate can take and pieces it cannot, as TFLite does: ops are taken as soon as their inputs are
 * there, supported ones as long as possible, then the others, and so on; `max_delegated_partitions` is 1 by default, so only
 * the piece with most ops goes to the GPU (tensorflow/lite/graph_info.cc, delegates/utils.cc, gpu/delegate.cc).
 */
export function partitionForGpu(subgraph: Subgraph, settings: GpuSettings): GpuPartition {
  const constant = findConstantTensors(subgraph);
  const refused = subgraph.ops.map((op) => refuseOp(subgraph, op, settings));
  const ready = Uint8Array.from(constant);
  for (const tensor of subgraph.inputs) ready[tensor] = 1;
  subgraph.tensors.forEach((tensor, index) => {
    if (tensor.isVariable) ready[index] = 1;
  });
  const waiting = new Set<number>(subgraph.ops.keys());
  const conversions: number[] = [];
  for (const [index, op] of subgraph.ops.entries())
    if (constant[op.outputs[0] ?? -1] === 1) {
      // The delegate reads such weights itself, converted, when it is made.
      waiting.delete(index);
      conversions.push(index);
    }
  const pieces: number[][] = [];
  let taking = true;
  let stuck = 0;
  while (waiting.size > 0 && stuck < 2) {
    const piece: number[] = [];
    for (const index of waiting) {
      const op = subgraph.ops[index]!;
      if ((refused[index] === null) !== taking) continue;
      if (op.inputs.some((tensor) => tensor >= 0 && ready[tensor] === 0)) continue;
      piece.push(index);
      waiting.delete(index);
      for (const tensor of op.outputs) ready[tensor] = 1;
    }
    if (taking && piece.length > 0) pieces.push(piece);
    stuck = piece.length > 0 ? 0 : stuck + 1;
    taking = !taking;
  }
  const largest = pieces.reduce<number[]>((best, piece) => (piece.length > best.length ? piece : best), []);
  const taken = new Set([...largest, ...conversions]);
  const cpu = [...subgraph.ops.keys()]
    .filter((index) => !taken.has(index))
    .map((op) => ({
      op,
      why:
        refused[op] ??
        (waiting.has(op)
          ? "its inputs are never computed"
          : `the GPU takes one piece of a graph, the largest (${largest.length} ops); this op is in another`),
    }));
  return { gpu: largest.sort((a, b) => a - b), cpu, pieces: pieces.length };
}
