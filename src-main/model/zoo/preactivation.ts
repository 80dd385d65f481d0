import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

/**
 * Batch norm and ReLU before a convolution: no convolution precedes them that the norm could be folded into, so a scale and
 * an offset per channel remain as MUL and ADD.
 */
export function preactivate(builder: GraphBuilder, x: Value): Value {
  return builder.within("norm", () => {
    const channels = x.shape[3]!;
    // Scales of variance 1 keep that of the activations.
    const scaled = builder.mul(x, builder.parameter("gamma", [channels], Math.sqrt(3)), { name: "scale" });
    return builder.add(scaled, builder.parameter("beta", [channels], 0.1), {
      activation: "relu",
      name: "offset",
    });
  });
}
