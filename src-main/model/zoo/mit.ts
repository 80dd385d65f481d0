import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { selfAttention } from "./attention.ts";
import { classifyMean, flattenImage } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";

interface MixTransformerPlan {
  widths: readonly number[];
  depths: readonly number[];
}

const heads = [1, 2, 5, 8];
/** In each direction of the image the keys and values are this many times fewer than the queries. */
const reductions = [8, 4, 2, 1];
const wide = [64, 128, 320, 512];

const plans: Record<string, MixTransformerPlan> = {
  "mit-b0": { widths: [32, 64, 160, 256], depths: [2, 2, 2, 2] },
  "mit-b1": { widths: wide, depths: [2, 2, 2, 2] },
  "mit-b2": { widths: wide, depths: [3, 4, 6, 3] },
  "mit-b3": { widths: wide, depths: [3, 4, 18, 3] },
  "mit-b4": { widths: wide, depths: [3, 8, 27, 3] },
  "mit-b5": { widths: wide, depths: [3, 6, 40, 3] },
};

function buildMixTransformer(name: string, { widths, depths }: MixTransformerPlan): Graph {
  const builder = new GraphBuilder(name);
  let image = builder.input([1, 224, 224, 3]);
  let tokens = image;
  widths.forEach((width, stage) =>
    builder.within(`stage${stage + 1}`, () => {
      const [kernel, stride] = stage === 0 ? [7, 4] : [3, 2];
      const options = { stride, padding: (kernel - 1) / 2, name: "patches" };
      image = builder.conv(image, width, kernel, options);
      tokens = layerNorm(builder, flattenImage(builder, image, "tokens"), { name: "patch_norm" });
      const grid = image.shape;
      for (let layer = 1; layer <= depths[stage]!; layer++)
        tokens = builder.within(`layer${layer}`, () => mixLayer(builder, tokens, grid, stage));
      tokens = layerNorm(builder, tokens, { name: "norm" });
      image = builder.reshape(tokens, grid, "image");
    }),
  );
  return classifyMean(builder, flattenImage(builder, image, "final_tokens"));
}

function mixLayer(builder: GraphBuilder, x: Value, grid: readonly number[], stage: number): Value {
  const query = layerNorm(builder, x, { name: "norm_before" });
  const attended = builder.within("attention", () => {
    const reduced = reduceTokens(builder, query, grid, reductions[stage]!);
    return selfAttention(builder, { query, key: reduced, value: reduced }, heads[stage]!);
  });
  const middle = builder.add(attended, x, { name: "attention_sum" });
  const after = layerNorm(builder, middle, { name: "norm_after" });
  return builder.add(mixPerceptron(builder, after, grid), middle, { name: "sum" });
}

/** Sequence reduction: a convolution whose kernel and stride are the reduction, on the tokens laid out as an image. */
function reduceTokens(builder: GraphBuilder, x: Value, grid: readonly number[], reduction: number): Value {
  if (reduction === 1) return x;
  const image = builder.reshape(x, grid, "image");
  const options = { stride: reduction, padding: "valid", name: "reduce" } as const;
  const reduced = builder.conv(image, x.shape.at(-1)!, reduction, options);
  return layerNorm(builder, flattenImage(builder, reduced, "reduced_tokens"), { name: "reduced_norm" });
}

/** A perceptron with a 3×3 depthwise convolution between its layers, which tells tokens where they are. */
function mixPerceptron(builder: GraphBuilder, x: Value, grid: readonly number[]): Value {
  return builder.within("perceptron", () => {
    const width = x.shape.at(-1)!;
    const expanded = builder.fullyConnected(x, 4 * width, { name: "expand" });
    const image = builder.reshape(expanded, [...grid.slice(0, 3), 4 * width], "image");
    const mixed = flattenImage(builder, builder.depthwise(image, 3), "tokens");
    return builder.fullyConnected(builder.gelu(mixed), width, { name: "project" });
  });
}

/** The encoders of SegFormer with a classifier, as they were trained on ImageNet. */
export const mit: ZooFamily = {
  family: "mit",
  paper:
    "Xie et al. 2021, SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, arXiv 2105.15203",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildMixTransformer(name, plan)]),
  ),
};
