import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { embedPatches, encoderLayer } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";

export interface VisionTransformerPlan {
  image: number;
  patch: number;
  width: number;
  heads: number;
  /** Learnt tokens before those of the patches; the first one is classified. */
  learntTokens: readonly string[];
  classes: number;
}

/** A vision transformer of 12 layers whose perceptrons are four times as wide as its tokens. */
export function buildVisionTransformer(name: string, plan: VisionTransformerPlan): Graph {
  const builder = new GraphBuilder(name);
  const { image, patch, width, heads, learntTokens, classes } = plan;
  let x = embedPatches(builder, builder.input([1, image, image, 3]), patch, width);
  const learnt = learntTokens.map((token): Value => builder.parameter(token, [1, 1, width], 0.02));
  x = builder.concat([...learnt, x], { axis: 1, name: "all_tokens" });
  x = builder.add(x, builder.parameter("positions", x.shape, 0.02), { name: "positioned" });
  const options = { heads, hidden: 4 * width, epsilon: 1e-12, activation: "gelu" } as const;
  for (let layer = 1; layer <= 12; layer++) x = encoderLayer(builder, x, options, `layer${layer}`);
  x = layerNorm(builder, x, { epsilon: 1e-12, name: "norm" });
  const first = builder.stridedSlice(x, [0, 0, 0], [1, 1, width], { shrink: [1], name: "class_token" });
  return builder.build(builder.fullyConnected(first, classes, { name: "classifier" }));
}

function base(name: string, image: number, patch: number, classes: number): [string, () => Graph] {
  const plan = { image, patch, classes, width: 768, heads: 12, learntTokens: ["class"] };
  return [name, () => buildVisionTransformer(name, plan)];
}

/**
 * The `in21k` checkpoints of Hugging Face hold no classifier: loaded as a classifier they get a new one of two classes, which
 * is what the published FLOPs and sizes show.
 */
export const vit: ZooFamily = {
  family: "vit",
  paper:
    "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, arXiv 2010.11929",
  networks: Object.fromEntries([
    base("vit-base-patch16-224", 224, 16, 1000),
    base("vit-base-patch16-224-in21k", 224, 16, 2),
    base("vit-base-patch16-384", 384, 16, 1000),
    base("vit-base-patch32-224-in21k", 224, 32, 2),
    base("vit-base-patch32-384", 384, 32, 1000),
  ]),
};
