import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { attendHeads } from "./attention.ts";
import { classifyMean, perceptron } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";

interface EfficientFormerPlan {
  widths: readonly number[];
  depths: readonly number[];
  /** Layers at the end of the last stage that attend instead of pooling. */
  attending: number;
}

const plans: Record<string, EfficientFormerPlan> = {
  "efficientformer-l1-300": { widths: [48, 96, 224, 448], depths: [3, 2, 6, 4], attending: 1 },
  "efficientformer-l3-300": { widths: [64, 128, 320, 512], depths: [4, 4, 12, 6], attending: 4 },
  "efficientformer-l7-300": { widths: [96, 192, 384, 768], depths: [6, 6, 18, 8], attending: 8 },
};
const heads = 8;
const keyFeatures = 32;
const valueFeatures = 128;
const epsilon = 1e-12;

/**
 * As the TensorFlow implementation of Hugging Face has it: blocks hand on images with channels first, as in PyTorch, and
 * transpose them for each convolution and pool; transpositions that undo each other in a row are left out as converters do.
 */
function buildEfficientFormer(name: string, { widths, depths, attending }: EfficientFormerPlan): Graph {
  const builder = new GraphBuilder(name);
  let image = builder.input([1, 224, 224, 3]);
  const halve = { stride: 2, padding: 1 } as const;
  image = builder.conv(image, widths[0]! / 2, 3, { ...halve, activation: "relu", name: "stem1" });
  image = builder.conv(image, widths[0]!, 3, { ...halve, activation: "relu", name: "stem2" });
  let x = image;
  widths.forEach((width, stage) =>
    builder.within(`stage${stage + 1}`, () => {
      if (stage > 0)
        image = builder.conv(channelsLast(builder, x), width, 3, { ...halve, name: "downsample" });
      x = channelsFirst(builder, image);
      const pooling = depths[stage]! - (stage === widths.length - 1 ? attending : 0);
      for (let layer = 1; layer <= pooling; layer++)
        x = builder.within(`layer${layer}`, () => poolingLayer(builder, x, layer === 1 ? image : null));
    }),
  );
  const [, width, rows, columns] = x.shape as [number, number, number, number];
  let tokens = builder.transpose(builder.reshape(x, [1, width, rows * columns], "flat"), [0, 2, 1], "tokens");
  for (let layer = 1; layer <= attending; layer++)
    tokens = builder.within(`attending${layer}`, () => attendingLayer(builder, tokens));
  return classifyMean(builder, layerNorm(builder, tokens, { epsilon, name: "norm" }));
}

/** Pooling mixes the tokens, 1×1 convolutions their channels; `image` is x with channels last where it is at hand. */
function poolingLayer(builder: GraphBuilder, x: Value, image: Value | null): Value {
  const width = x.shape[1]!;
  const pooled = builder.averagePool(image ?? channelsLast(builder, x), 3, { stride: 1, padding: "same" });
  const mixed = builder.sub(channelsFirst(builder, pooled), x, { name: "mixed" });
  const middle = builder.add(x, scaleLayer(builder, mixed, [width, 1, 1]), { name: "mixed_sum" });
  const wide = builder.conv(channelsLast(builder, middle), 4 * width, 1, { name: "expand" });
  const projected = builder.conv(builder.gelu(wide), width, 1, { name: "project" });
  const scaled = scaleLayer(builder, channelsFirst(builder, projected), [width, 1, 1]);
  return builder.add(middle, scaled, { name: "sum" });
}

function attendingLayer(builder: GraphBuilder, x: Value): Value {
  const width = x.shape[2]!;
  const attended = builder.within("attention", () =>
    biasedAttention(builder, layerNorm(builder, x, { epsilon, name: "norm_before" })),
  );
  const middle = builder.add(x, scaleLayer(builder, attended, [1, 1, width]), { name: "attention_sum" });
  const after = layerNorm(builder, middle, { epsilon, name: "norm_after" });
  const scaled = scaleLayer(builder, perceptron(builder, after, 4 * width), [1, 1, width]);
  return builder.add(middle, scaled, { name: "sum" });
}

/** Attention whose scores get a learnt bias for each distance of two tokens, and whose values are wider than its keys. */
function biasedAttention(builder: GraphBuilder, x: Value): Value {
  const [, tokens, width] = x.shape as [number, number, number];
  const sizes = [keyFeatures, keyFeatures, valueFeatures];
  const features = 2 * keyFeatures + valueFeatures;
  const joined = builder.fullyConnected(x, heads * features, { name: "query_key_value" });
  const split = builder.splitSizes(builder.reshape(joined, [1, tokens, heads, features], "heads"), sizes);
  const [query, key, value] = split.map((part) => builder.transpose(part, [0, 2, 1, 3], "by_head"));
  // Converters look the biases up themselves, from a table of 49 distances, and add the constant before the softmax to them.
  const biases = builder.parameter("biases", [heads, tokens, tokens], 0.1);
  const context = attendHeads(
    builder,
    { query: query!, key: key!, value: value! },
    { transposeKeys: true, adjust: (scores) => builder.add(scores, biases, { name: "biased" }) },
  );
  return builder.fullyConnected(context, width, { name: "projection" });
}

/** LayerScale (Touvron et al. 2021, arXiv 2103.17239): a learnt factor for each channel. */
function scaleLayer(builder: GraphBuilder, x: Value, shape: readonly number[]): Value {
  return builder.mul(x, builder.parameter("layer_scale", shape, 1), { name: "scaled" });
}

function channelsFirst(builder: GraphBuilder, x: Value): Value {
  return builder.transpose(x, [0, 3, 1, 2], "channels_first");
}

function channelsLast(builder: GraphBuilder, x: Value): Value {
  return builder.transpose(x, [0, 2, 3, 1], "channels_last");
}

export const efficientformer: ZooFamily = {
  family: "efficientformer",
  paper: "Li et al. 2022, EfficientFormer: Vision Transformers at MobileNet Speed, arXiv 2206.01191",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildEfficientFormer(name, plan)]),
  ),
};
