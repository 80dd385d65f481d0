import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { selfAttention } from "./attention.ts";
import { classifyMean, flattenImage, perceptron } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";

interface ConvolutionalStage {
  width: number;
  heads: number;
  kernel: number;
  stride: number;
  padding: number;
}

const stages: readonly ConvolutionalStage[] = [
  { width: 64, heads: 1, kernel: 7, stride: 4, padding: 2 },
  { width: 192, heads: 3, kernel: 3, stride: 2, padding: 1 },
  { width: 384, heads: 6, kernel: 3, stride: 2, padding: 1 },
];

/** Tokens of a stage: the image [1, height, width, channels], and in the last stage a class token before them. */
interface Tokens {
  all: Value;
  image: readonly number[];
  withClass: boolean;
}

function buildConvolutionalTransformer(name: string, size: number, depths: readonly number[]): Graph {
  const builder = new GraphBuilder(name);
  let image = builder.input([1, size, size, 3]);
  let classToken: Value | null = null;
  stages.forEach((stage, index) =>
    builder.within(`stage${index + 1}`, () => {
      const { width, kernel, stride, padding } = stage;
      const patches = builder.conv(image, width, kernel, { stride, padding, name: "patches" });
      const normalized = layerNorm(builder, flattenImage(builder, patches, "tokens"), { name: "patch_norm" });
      const withClass = index === stages.length - 1;
      const learnt = withClass ? [builder.parameter("class", [1, 1, width], 0.02)] : [];
      let all = withClass
        ? builder.concat([...learnt, normalized], { axis: 1, name: "all_tokens" })
        : normalized;
      for (let layer = 1; layer <= depths[index]!; layer++)
        all = builder.within(`layer${layer}`, () =>
          convolutionalLayer(builder, { all, image: patches.shape, withClass }, stage.heads),
        );
      if (withClass) classToken = splitClass(builder, all)[0];
      else image = builder.reshape(all, patches.shape, "image");
    }),
  );
  return classifyMean(builder, layerNorm(builder, classToken!, { name: "norm" }));
}

function convolutionalLayer(builder: GraphBuilder, tokens: Tokens, heads: number): Value {
  const normalized = layerNorm(builder, tokens.all, { name: "norm_before" });
  const attended = builder.within("attention", () => {
    const projected = projectTokens(builder, { ...tokens, all: normalized });
    // The published implementation divides by the root of all features, not of those of a head.
    return selfAttention(builder, projected, heads, { scaleBy: normalized.shape[2]! });
  });
  const middle = builder.add(attended, tokens.all, { name: "attention_sum" });
  const after = layerNorm(builder, middle, { name: "norm_after" });
  return builder.add(perceptron(builder, after, 4 * after.shape[2]!), middle, { name: "sum" });
}

/** Convolutional projection: 3×3 depthwise convolutions, those of keys and values with stride 2; the class token passes by. */
function projectTokens(builder: GraphBuilder, tokens: Tokens): Record<"query" | "key" | "value", Value> {
  const { classToken, image } = splitTokens(builder, tokens);
  // The three convolutions share their padding.
  const margin = [1, 1] as const;
  const padded = builder.pad(image, [[0, 0], margin, margin, [0, 0]], "padding");
  const project = (name: string, stride: number) => {
    const options = { stride, padding: "valid", name: `${name}_convolution` } as const;
    const flat = flattenImage(builder, builder.depthwise(padded, 3, options), `${name}_tokens`);
    return classToken ? builder.concat([classToken, flat], { axis: 1, name: `${name}_with_class` }) : flat;
  };
  return { query: project("query", 1), key: project("key", 2), value: project("value", 2) };
}

function splitTokens(
  builder: GraphBuilder,
  { all, image, withClass }: Tokens,
): { classToken: Value | null; image: Value } {
  if (!withClass) return { classToken: null, image: builder.reshape(all, image, "image") };
  const [classToken, rest] = splitClass(builder, all);
  return { classToken, image: builder.reshape(rest, image, "image") };
}

function splitClass(builder: GraphBuilder, all: Value): [classToken: Value, rest: Value] {
  const sizes = [1, all.shape[1]! - 1];
  const [classToken, rest] = builder.splitSizes(all, sizes, { axis: 1, name: "split_class" });
  return [classToken!, rest!];
}

const networks: readonly (readonly [string, number, readonly number[]])[] = [
  ["cvt-13", 224, [1, 2, 10]],
  ["cvt-13-384", 384, [1, 2, 10]],
  ["cvt-21", 224, [1, 4, 16]],
  ["cvt-21-384", 384, [1, 4, 16]],
];

export const cvt: ZooFamily = {
  family: "cvt",
  paper: "Wu et al. 2021, CvT: Introducing Convolutions to Vision Transformers, arXiv 2103.15808",
  networks: Object.fromEntries(
    networks.map(([name, size, depths]) => [name, () => buildConvolutionalTransformer(name, size, depths)]),
  ),
};
