import type { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { selfAttention } from "./attention.ts";
import { layerNorm } from "./layerNorm.ts";

export interface EncoderOptions {
  heads: number;
  /** Features between the two layers of the perceptron. */
  hidden: number;
  epsilon: number;
  activation: "gelu" | "swish";
}

/**
 * A transformer layer that normalizes first, as vision transformers have it (Dosovitskiy et al. 2021): x + attention(norm(x)),
 * then x + perceptron(norm(x)), on tokens [batch, tokens, features].
 */
export function encoderLayer(builder: GraphBuilder, x: Value, options: EncoderOptions, name: string): Value {
  return builder.within(name, () => {
    const { heads, hidden, epsilon, activation } = options;
    const normalized = layerNorm(builder, x, { epsilon, name: "norm_before" });
    const tokens = { query: normalized, key: normalized, value: normalized };
    const attended = builder.within("attention", () => selfAttention(builder, tokens, heads));
    const middle = builder.add(attended, x, { name: "attention_sum" });
    const after = layerNorm(builder, middle, { epsilon, name: "norm_after" });
    return builder.add(perceptron(builder, after, hidden, activation), middle, { name: "sum" });
  });
}

/** Two fully connected layers with an activation between; the output has the input's features. */
export function perceptron(
  builder: GraphBuilder,
  x: Value,
  hidden: number,
  activation: "gelu" | "swish" = "gelu",
): Value {
  return builder.within("perceptron", () => {
    const wide = builder.fullyConnected(x, hidden, { name: "expand" });
    const active = activation === "gelu" ? builder.gelu(wide) : builder.activate(wide, "swish");
    return builder.fullyConnected(active, x.shape.at(-1)!, { name: "project" });
  });
}

/** An image cut into square patches, each a token: a convolution whose stride is its kernel, then a reshape. */
export function embedPatches(builder: GraphBuilder, image: Value, patch: number, width: number): Value {
  const grid = builder.conv(image, width, patch, { stride: patch, padding: "valid", name: "patches" });
  return flattenImage(builder, grid, "tokens");
}

/** [batch, height, width, channels] as [batch, height × width, channels]. */
export function flattenImage(builder: GraphBuilder, image: Value, name: string): Value {
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  return builder.reshape(image, [batch, height * width, channels], name);
}

/** The mean of all tokens [batch, tokens, features] and a fully connected layer, without softmax. */
export function classifyMean(builder: GraphBuilder, tokens: Value, classes = 1000): Graph {
  const pooled = builder.mean(tokens, [1], { name: "pooled" });
  return builder.build(builder.fullyConnected(pooled, classes, { name: "classifier" }));
}
