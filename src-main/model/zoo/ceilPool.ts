import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

/**
 * A 3×3 max pool of stride 2 whose output size is rounded up (Caffe's convention), as TensorFlow writes it: where windows do
 * not come out even, zeros on all sides before a VALID pool. Inputs must be rectified.
 */
export function ceilPool(builder: GraphBuilder, x: Value, name = "pool"): Value {
  const padding = (x.shape[1]! - 3) % 2;
  return builder.maxPool(x, 3, { stride: 2, padding, name });
}
