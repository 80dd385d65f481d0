import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

/**
 * Layer normalization (Ba et al. 2016, arXiv 1607.06450) over the last axis in the ten operators converters write for it:
 * (x − mean) ÷ √(variance + epsilon) × gamma + beta, as x × s + (beta − mean × s) with s = gamma ÷ √(variance + epsilon).
 */
export function layerNorm(
  builder: GraphBuilder,
  x: Value,
  options: { epsilon?: number; name?: string } = {},
): Value {
  return builder.within(options.name ?? "layer_norm", () => {
    const channels = x.shape.at(-1)!;
    const mean = builder.mean(x, [-1], { keepDims: true, name: "mean" });
    const squares = builder.squaredDifference(x, mean, "squares");
    const variance = builder.mean(squares, [-1], { keepDims: true, name: "variance" });
    const epsilon = builder.scalar(options.epsilon ?? 1e-5, "epsilon");
    const deviation = builder.unary("RSQRT", builder.add(variance, epsilon, { name: "shift" }), "rsqrt");
    // Uniform in ±√3 keeps the variance of one.
    const gamma = builder.parameter("gamma", [channels], Math.sqrt(3));
    const scale = builder.mul(deviation, gamma, { name: "scale" });
    const beta = builder.parameter("beta", [channels], 0.1);
    const offset = builder.sub(beta, builder.mul(mean, scale, { name: "scaled_mean" }), { name: "offset" });
    return builder.add(builder.mul(x, scale, { name: "scaled" }), offset, { name: "output" });
  });
}
