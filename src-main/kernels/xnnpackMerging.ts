import { countElements, type Op, type Subgraph } from "../model/graph.ts";
import type { CpuKernel } from "./cpu.ts";

const clamps = new Set(["RELU", "RELU6", "RELU_N1_TO_1"]);
/** Operators whose kernel takes a clamp of its output into itself. */
const clampable = new Set([
  "ADD",
  "SUB",
  "MUL",
  "DIV",
  "CONV_2D",
  "DEPTHWISE_CONV_2D",
  "FULLY_CONNECTED",
  "AVERAGE_POOL_2D",
  "MAX_POOL_2D",
]);
const padded = new Set(["CONV_2D", "DEPTHWISE_CONV_2D"]);

/**
 * Merges kernels as XNNPACK's subgraph optimiser does (xnnpack/src/subgraph.c, "xnn_subgraph_fusion"): a clamp goes into the
 * kernel that makes its input, a zero padding of height and width into the unpadded convolution that reads it. Both need the
 * tensor between to have no other reader and not to be an output of the network.
 */
export function mergeForXnnpack(subgraph: Subgraph, kernels: CpuKernel[]): CpuKernel[] {
  const readers = new Map<number, number[]>();
  const writer = new Map<number, number>();
  subgraph.ops.forEach((op, index) => {
    for (const tensor of new Set(op.inputs)) readers.set(tensor, [...(readers.get(tensor) ?? []), index]);
    for (const tensor of op.outputs) writer.set(tensor, index);
  });
  const isPrivate = (tensor: number) =>
    (readers.get(tensor)?.length ?? 0) === 1 && !subgraph.outputs.includes(tensor);
  const owner = kernels.slice();
  const merge = (from: number, into: number, why: string) => {
    const kernel = owner[into]!;
    kernel.ops.push(...owner[from]!.ops);
    kernel.why = `${kernel.why}; ${why}`;
    for (const op of owner[from]!.ops) owner[op] = kernel;
  };
  subgraph.ops.forEach((op, index) => {
    const tensor = op.inputs[0] ?? -1;
    const source = writer.get(tensor);
    if (source === undefined || !isPrivate(tensor)) return;
    const producer = subgraph.ops[source]!;
    if (clamps.has(op.type) && clampable.has(producer.type) && owner[source]!.class !== null)
      merge(index, source, `${op.type} (op ${index}) is a clamp of its output`);
    else if (isMergeablePad(subgraph, producer, op) && owner[index]!.class !== null)
      merge(source, index, `PAD (op ${source}) becomes its own padding`);
  });
  return kernels.filter((kernel, index) => owner[index] === kernel);
}

function isMergeablePad(subgraph: Subgraph, pad: Op, op: Op): boolean {
  if (pad.type !== "PAD" || !padded.has(op.type) || op.attributes["padding"] !== "VALID") return false;
  const amounts = subgraph.tensors[pad.inputs[1] ?? -1];
  if (!amounts?.data || countElements(amounts.shape) !== 8) return false;
  const values = readInts(amounts.data);
  return values !== null && [0, 1, 6, 7].every((place) => values[place] === 0);
}

function readInts(data: NonNullable<Subgraph["tensors"][number]["data"]>): number[] | null {
  if (data.kind === "values") return data.values;
  if (data.kind !== "bytes" || data.bytes.byteLength !== 32) return null;
  const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, 32);
  return Array.from({ length: 8 }, (_, place) => view.getInt32(place * 4, true));
}
