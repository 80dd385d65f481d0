import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import { encoderLayer } from "./encoder.ts";
import type { ZooFamily } from "./family.ts";
import { layerNorm } from "./layerNorm.ts";

interface MobileTransformerPlan {
  /** Channels after the stem, after each of the five stages, and before the classifier. */
  channels: readonly [number, number, number, number, number, number, number];
  /** Features of the tokens in the last three stages. */
  widths: readonly number[];
  expansion: number;
}

const plans: Record<string, MobileTransformerPlan> = {
  "mobilevit-xx-small": { channels: [16, 16, 24, 48, 64, 80, 320], widths: [64, 80, 96], expansion: 2 },
  "mobilevit-x-small": { channels: [16, 32, 48, 64, 80, 96, 384], widths: [96, 120, 144], expansion: 4 },
  "mobilevit-small": { channels: [16, 32, 64, 96, 128, 160, 640], widths: [144, 192, 240], expansion: 4 },
};
const depths = [2, 4, 3];
const patch = 2;

function buildMobileTransformer(name: string, { channels, widths, expansion }: MobileTransformerPlan): Graph {
  const builder = new GraphBuilder(name);
  const [stem, first, second, ...rest] = channels;
  const last = rest.pop()!;
  const residual = (x: Value, filters: number, stride: 1 | 2, block: string) =>
    builder.within(block, () => invertedResidual(builder, x, filters, stride, expansion));
  let x = builder.input([1, 256, 256, 3]);
  x = builder.conv(x, stem, 3, { stride: 2, padding: 1, activation: "swish", name: "stem" });
  x = residual(x, first, 1, "stage1");
  for (const unit of [1, 2, 3]) x = residual(x, second, unit === 1 ? 2 : 1, `stage2/unit${unit}`);
  rest.forEach((filters, index) => {
    x = builder.within(`stage${index + 3}`, () => {
      const halved = residual(x, filters, 2, "downsample");
      return mobileBlock(builder, halved, widths[index]!, depths[index]!);
    });
  });
  x = builder.conv(x, last, 1, { activation: "swish", name: "final" });
  // The published implementation hands the image on with channels first.
  const pooled = builder.mean(builder.transpose(x, [0, 3, 1, 2], "channels_first"), [2, 3], {
    name: "pooled",
  });
  return builder.build(builder.fullyConnected(pooled, 1000, { name: "classifier" }));
}

/** The inverted residual of MobileNetV2 (Sandler et al. 2018) with SiLU. */
function invertedResidual(
  builder: GraphBuilder,
  x: Value,
  filters: number,
  stride: 1 | 2,
  expansion: number,
): Value {
  const inner = x.shape[3]! * expansion;
  let y = builder.conv(x, inner, 1, { activation: "swish", name: "expand" });
  y = builder.depthwise(y, 3, { stride, padding: 1, activation: "swish" });
  y = builder.conv(y, filters, 1, { name: "reduce" });
  return stride === 1 && x.shape[3] === filters ? builder.add(x, y, { name: "sum" }) : y;
}

/** Convolutions see the neighbourhood, a transformer the same place in all patches; both are fused with the input. */
function mobileBlock(builder: GraphBuilder, x: Value, width: number, depth: number): Value {
  const channels = x.shape[3]!;
  const around = { padding: 1, activation: "swish" } as const;
  let y = builder.conv(x, channels, 3, { ...around, name: "local" });
  y = builder.conv(y, width, 1, { name: "to_tokens" });
  const image = y.shape;
  let tokens = unfoldPatches(builder, y);
  const options = { heads: 4, hidden: 2 * width, epsilon: 1e-5, activation: "swish" } as const;
  for (let layer = 1; layer <= depth; layer++)
    tokens = encoderLayer(builder, tokens, options, `layer${layer}`);
  y = foldPatches(builder, layerNorm(builder, tokens, { name: "norm" }), image);
  y = builder.conv(y, channels, 1, { activation: "swish", name: "from_tokens" });
  return builder.conv(builder.concat([x, y]), channels, 3, { ...around, name: "fusion" });
}

/** [1, height, width, features] as [places in a patch, patches, features]: pixels at one place of all patches attend to each other. */
function unfoldPatches(builder: GraphBuilder, x: Value): Value {
  return builder.within("unfold", () => {
    const [, height, width, features] = x.shape as [number, number, number, number];
    const [rows, columns] = [height / patch, width / patch];
    let y = builder.transpose(x, [0, 3, 1, 2], "channels_first");
    y = builder.reshape(y, [features * rows, patch, columns, patch], "patches");
    y = builder.transpose(y, [0, 2, 1, 3], "patches_together");
    y = builder.reshape(y, [1, features, rows * columns, patch * patch], "places");
    y = builder.transpose(y, [0, 3, 2, 1], "places_first");
    return builder.reshape(y, [patch * patch, rows * columns, features], "tokens");
  });
}

/** Undoes `unfoldPatches`. */
function foldPatches(builder: GraphBuilder, tokens: Value, image: readonly number[]): Value {
  return builder.within("fold", () => {
    const [, height, width, features] = image as [number, number, number, number];
    const [rows, columns] = [height / patch, width / patch];
    let y = builder.reshape(tokens, [1, patch * patch, rows * columns, features], "places");
    y = builder.transpose(y, [0, 3, 2, 1], "features_first");
    y = builder.reshape(y, [features * rows, columns, patch, patch], "patches");
    y = builder.transpose(y, [0, 2, 1, 3], "rows_together");
    y = builder.reshape(y, [1, features, height, width], "channels_first");
    return builder.transpose(y, [0, 2, 3, 1], "image");
  });
}

/** Input 1×256×256×3. */
export const mobilevit: ZooFamily = {
  family: "mobilevit",
  paper:
    "Mehta and Rastegari 2022, MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer, arXiv 2110.02178",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildMobileTransformer(name, plan)]),
  ),
};
