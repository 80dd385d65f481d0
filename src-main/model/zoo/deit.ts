import type { ZooFamily } from "./family.ts";
import { buildVisionTransformer } from "./vit.ts";

const sizes = {
  tiny: { width: 192, heads: 3 },
  small: { width: 384, heads: 6 },
  base: { width: 768, heads: 12 },
};

function distilled(size: keyof typeof sizes, image: number): ZooFamily["networks"] {
  const name = `deit-${size}-distilled-patch16-${image}`;
  const plan = { ...sizes[size], image, patch: 16, classes: 1000, learntTokens: ["class", "distillation"] };
  return { [name]: () => buildVisionTransformer(name, plan) };
}

/** With the class token's classifier only, as Hugging Face's `TFDeiTForImageClassification` has it and the published sizes show. */
export const deit: ZooFamily = {
  family: "deit",
  paper:
    "Touvron et al. 2021, Training data-efficient image transformers & distillation through attention, arXiv 2012.12877",
  networks: {
    ...distilled("tiny", 224),
    ...distilled("small", 224),
    ...distilled("base", 224),
    ...distilled("base", 384),
  },
};
