import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { selfAttention } from "./attention.ts";
import { classifyMean, perceptron } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";
import { addMask, cutWindows, joinWindows, rollImage } from "./shiftedWindows.ts";
import { WindowConstants } from "./windowConstants.ts";

interface SwinPlan {
  image: number;
  window: number;
  width: number;
  heads: number;
  depths: readonly number[];
}

const tiny = { image: 224, window: 7, width: 96, heads: 3, depths: [2, 2, 6, 2] };
const small = { ...tiny, depths: [2, 2, 18, 2] };
const base = { ...small, width: 128, heads: 4 };

const plans: Record<string, SwinPlan> = {
  "swin-tiny-patch4-window7-224": tiny,
  "swin-small-patch4-window7-224": small,
  "swin-base-patch4-window7-224": base,
  "swin-base-patch4-window12-384": { ...base, image: 384, window: 12 },
};

interface WindowLayer {
  /** Height and width of the image the tokens are. */
  side: number;
  heads: number;
  window: number;
  /** How far the windows are shifted; 0 in every other layer and where one window covers the image. */
  shift: number;
}

function buildSwin(name: string, { image, window, width, heads, depths }: SwinPlan): Graph {
  const builder = new GraphBuilder(name);
  const constants = new WindowConstants(builder, window);
  let side = image / 4;
  const options = { stride: 4, padding: "valid", name: "patches" } as const;
  const patches = builder.conv(builder.input([1, image, image, 3]), width, 4, options);
  // The published implementation flattens an image with channels first.
  const flat = builder.reshape(builder.transpose(patches, [0, 3, 1, 2]), [1, width, side * side], "flat");
  let x = layerNorm(builder, builder.transpose(flat, [0, 2, 1], "tokens"), { name: "patch_norm" });
  depths.forEach((depth, stage) => {
    builder.within(`stage${stage + 1}`, () => {
      if (stage > 0) {
        x = mergePatches(builder, x, side);
        side /= 2;
      }
      for (let layer = 0; layer < depth; layer++) {
        const shift = layer % 2 === 1 && side > window ? Math.floor(window / 2) : 0;
        const options = { side, heads: heads * 2 ** stage, window, shift };
        x = builder.within(`layer${layer + 1}`, () => windowLayer(builder, x, options, constants));
      }
    });
  });
  return classifyMean(builder, layerNorm(builder, x, { name: "norm" }));
}

/** Attention within windows, whose borders lie elsewhere in every other layer, and a perceptron. */
function windowLayer(builder: GraphBuilder, x: Value, layer: WindowLayer, constants: WindowConstants): Value {
  const { side, heads, window, shift } = layer;
  const width = x.shape[2]!;
  const normalized = layerNorm(builder, x, { name: "norm_before" });
  let image = builder.reshape(normalized, [1, side, side, width], "image");
  if (shift > 0) image = rollImage(builder, image, shift, "shift_back");
  const windows = cutWindows(builder, image, window);
  const attended = builder.within("attention", () => {
    const adjust = (scores: Value) => {
      const biased = builder.add(scores, constants.positionBias(heads), { name: "biased" });
      const mask = constants.mask(side, shift);
      return mask ? addMask(builder, biased, mask) : biased;
    };
    const tokens = { query: windows, key: windows, value: windows };
    return selfAttention(builder, tokens, heads, { transposeKeys: true, adjust });
  });
  let joined = joinWindows(builder, attended, window, side);
  if (shift > 0) joined = rollImage(builder, joined, side - shift, "shift_forth");
  const middle = builder.add(x, builder.reshape(joined, x.shape, "joined_tokens"), { name: "attention_sum" });
  const after = layerNorm(builder, middle, { name: "norm_after" });
  return builder.add(middle, perceptron(builder, after, 4 * width), { name: "sum" });
}

/** Four neighbouring tokens side by side, normalized, as one of twice the features. */
function mergePatches(builder: GraphBuilder, x: Value, side: number): Value {
  return builder.within("merge", () => {
    const width = x.shape[2]!;
    const image = builder.reshape(x, [1, side, side, width], "image");
    const corners = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ].map(([row, column]) =>
      builder.stridedSlice(image, [0, row!, column!, 0], [1, side, side, width], { strides: [1, 2, 2, 1] }),
    );
    const tokens = builder.reshape(builder.concat(corners), [1, (side * side) / 4, 4 * width], "tokens");
    return builder.fullyConnected(layerNorm(builder, tokens), 2 * width, { bias: false, name: "reduction" });
  });
}

export const swin: ZooFamily = {
  family: "swin",
  paper:
    "Liu et al. 2021, Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, arXiv 2103.14030",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildSwin(name, plan)]),
  ),
};
