import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";

/** Tokens [batch, tokens, features] that attention reads; often one tensor three times. */
export interface AttentionTokens {
  query: Value;
  key: Value;
  value: Value;
}

/** Query, key and value with an axis of heads: [batch, heads, tokens, features of a head]. */
export interface Heads {
  query: Value;
  key: Value;
  value: Value;
}

export interface AttentionOptions {
  /** What is done to the scaled scores [batch, heads, queries, keys] before the softmax; default `shiftScores`. */
  adjust?: (scores: Value) => Value;
  /** Writes the transposed keys as an operator of their own instead of as BATCH_MATMUL's flag. */
  transposeKeys?: boolean;
  /** Divides the scores by its square root; default the features of a head. */
  scaleBy?: number;
}

/**
 * Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762): projections with bias, softmax(q·kᵀ ÷ √d)·v for each
 * head, and a projection of the heads side by side. Gives [batch, queries, features].
 */
export function selfAttention(
  builder: GraphBuilder,
  tokens: AttentionTokens,
  heads: number,
  options: AttentionOptions = {},
): Value {
  const width = tokens.query.shape.at(-1)!;
  const project = (name: keyof AttentionTokens) =>
    splitHeads(builder, builder.fullyConnected(tokens[name], width, { name }), heads, name);
  const context = attendHeads(
    builder,
    { query: project("query"), key: project("key"), value: project("value") },
    options,
  );
  return builder.fullyConnected(context, width, { name: "projection" });
}

/** [batch, tokens, features] as [batch, heads, tokens, features of a head]. */
export function splitHeads(builder: GraphBuilder, x: Value, heads: number, name: string): Value {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const split = builder.reshape(x, [batch, tokens, heads, width / heads], `${name}_heads`);
  return builder.transpose(split, [0, 2, 1, 3], `${name}_by_head`);
}

/** The attention of each head, and the heads side by side again: [batch, queries, heads × features of a value]. */
export function attendHeads(
  builder: GraphBuilder,
  { query, key, value }: Heads,
  options: AttentionOptions = {},
): Value {
  const scale = builder.scalar(1 / Math.sqrt(options.scaleBy ?? query.shape.at(-1)!), "scale");
  const products = options.transposeKeys
    ? builder.batchMatmul(query, builder.transpose(key, [0, 1, 3, 2], "key_transposed"), { name: "products" })
    : builder.batchMatmul(query, key, { transposeRight: true, name: "products" });
  const scores = builder.mul(products, scale, { name: "scores" });
  const adjusted = options.adjust ? options.adjust(scores) : shiftScores(builder, scores);
  const weights = builder.softmax(adjusted, { name: "weights" });
  const context = builder.batchMatmul(weights, value, { name: "context" });
  const [batch, heads, queries, features] = context.shape as [number, number, number, number];
  const byToken = builder.transpose(context, [0, 2, 1, 3], "context_by_token");
  return builder.reshape(byToken, [batch, queries, heads * features], "context_joined");
}

/**
 * The tiny constant that TensorFlow transformers of Hugging Face add before the softmax (`stable_softmax`): an addition of
 * its own in the file, unless a converter merged it with another constant.
 */
export function shiftScores(builder: GraphBuilder, scores: Value): Value {
  return builder.add(scores, builder.scalar(1e-9, "shift"), { name: "shifted" });
}
