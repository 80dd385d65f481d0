import { tensorBytes } from "./graph.ts";
import type { ConstantData, Graph } from "./graph.ts";

// Mean cost in the file of a tensor, an op, a stored constant and a quantisation beside names and data (tables, offsets, alignment).
const tensorOverhead = 84;
const opOverhead = 92;
const constantOverhead = 28;
const quantizationOverhead = 44;
/** A float32 scale and an int64 zero point. */
const scaleBytes = 12;
const fileOverhead = 400;

/**
 * Size of the .tflite file a graph would be written as, in bytes, without drawing its weights: constants exactly, the tables
 * around them by their mean size; within 1 % for networks of more than a few kilobytes.
 */
export function estimateFileBytes(graph: Graph): number {
  let bytes = fileOverhead + graph.description.length;
  // Tensors may share one constant, which is then stored once.
  const stored = new Set<ConstantData>();
  for (const { tensors, ops } of graph.subgraphs) {
    for (const tensor of tensors) {
      bytes += tensorOverhead + tensor.name.length + 4 * tensor.shape.length;
      if (tensor.quantization) bytes += quantizationOverhead + scaleBytes * tensor.quantization.scales.length;
      if (!tensor.data || stored.has(tensor.data)) continue;
      stored.add(tensor.data);
      bytes +=
        constantOverhead + (tensor.data.kind === "bytes" ? tensor.data.bytes.length : tensorBytes(tensor));
    }
    for (const op of ops) bytes += opOverhead + 4 * (op.inputs.length + op.outputs.length);
  }
  for (const { name, bytes: data } of graph.metadata) bytes += 32 + name.length + data.length;
  return bytes;
}
