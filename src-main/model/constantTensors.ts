import type { Subgraph } from "./graph.ts";

const known = new WeakMap<Subgraph, Uint8Array>();

/**
 * One byte a tensor: 1 where its value is known when the network is loaded, either a constant of the file or one that a
 * QUANTIZE or DEQUANTIZE converts from a constant, as files with float16 weights hold them. The graph must not change afterwards.
 */
export function findConstantTensors(subgraph: Subgraph): Uint8Array {
  let constant = known.get(subgraph);
  if (constant) return constant;
  constant = Uint8Array.from(subgraph.tensors, (tensor) => (tensor.data ? 1 : 0));
  for (const op of subgraph.ops)
    if ((op.type === "DEQUANTIZE" || op.type === "QUANTIZE") && constant[op.inputs[0] ?? -1] === 1)
      constant[op.outputs[0] ?? -1] = 1;
  known.set(subgraph, constant);
  return constant;
}
