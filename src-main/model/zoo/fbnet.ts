import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import type { ZooFamily } from "./family.ts";
import { buildDepthwise, buildStages, buildStem, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** A block of the paper's table 1, written as in its figure 4: `k5_e6` is a kernel of 5 and an expansion of 6, `g2` two groups. */
export type FbnetBlock = `k${3 | 5}_e${1 | 3 | 6}` | `k${3 | 5}_e1_g2` | "skip";

/** The stages of the paper's table 1: output channels, stride of the first unit, units. */
export const fbnetStages = [
  { channels: 16, stride: 1, units: 1 },
  { channels: 24, stride: 2, units: 4 },
  { channels: 32, stride: 2, units: 4 },
  { channels: 64, stride: 2, units: 4 },
  { channels: 112, stride: 1, units: 4 },
  { channels: 184, stride: 2, units: 4 },
  { channels: 352, stride: 1, units: 1 },
] as const;

/** FBNet-C: the chosen block of each unit; the skipped ones are left out. */
const fbnetC: readonly (readonly FbnetBlock[])[] = [
  ["k3_e1"],
  ["k3_e6", "k3_e1", "k3_e1"],
  ["k5_e6", "k5_e3", "k5_e6", "k3_e6"],
  ["k5_e6", "k5_e3", "k5_e6", "k5_e6"],
  ["k5_e6", "k5_e6", "k5_e6", "k5_e3"],
  ["k5_e6", "k5_e6", "k5_e6", "k5_e6"],
  ["k3_e6"],
];

/**
 * Builds a network from the blocks of each stage and the channels of its last convolution (1504 in the paper's table 1), input
 * 1×224×224×3.
 */
export function buildFbnet(
  name: string,
  blocks: readonly (readonly FbnetBlock[])[],
  features: number,
): Graph {
  const builder = new GraphBuilder(name);
  const stages = fbnetStages.map(({ channels, stride }, stage) =>
    blocks[stage]!.map((block, unit) => ({
      block,
      filters: channels,
      stride: unit === 0 ? stride : (1 as const),
    })),
  );
  const x = buildStages(builder, buildStem(builder, 16, "relu"), stages, (input, unit) =>
    buildBlock(builder, input, unit),
  );
  return classify(builder, builder.conv(x, features, 1, { activation: "relu", name: "features" }));
}

function buildBlock(
  builder: GraphBuilder,
  x: Value,
  { block, filters, stride }: { block: FbnetBlock; filters: number; stride: 1 | 2 },
): Value {
  const keepsShape = stride === 1 && channelsOf(x) === filters;
  if (block === "skip")
    // What cannot be skipped is a 1×1 convolution, as in the authors' code.
    return keepsShape ? x : builder.conv(x, filters, 1, { stride, activation: "relu", name: "skip" });
  const [kernel, expansion] = [Number(block[1]), Number(block[4])];
  const groups = block.endsWith("_g2") ? 2 : 1;
  // The 1×1 convolution before the depthwise one is there even where it expands nothing (figure 3 of the paper).
  let y = builder.conv(x, expansion * channelsOf(x), 1, { groups, activation: "relu", name: "expand" });
  if (groups > 1) y = shuffleChannels(builder, y, groups);
  y = buildDepthwise(builder, y, kernel, { stride, activation: "relu" });
  y = builder.conv(y, filters, 1, { groups, name: "project" });
  return keepsShape ? builder.add(y, x) : y;
}

/** Channel shuffle (Zhang et al. 2018, ShuffleNet) as converters write it: reshape, transpose, reshape. */
function shuffleChannels(builder: GraphBuilder, x: Value, groups: number): Value {
  return builder.within("shuffle", () => {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const split = builder.reshape(x, [batch, height, width, groups, channels / groups], "split");
    return builder.reshape(builder.transpose(split, [0, 1, 2, 4, 3]), x.shape, "merge");
  });
}

/** FBNet-C, the largest of the paper's three, with the 1984 channels at its end that its trained weights have. */
export const fbnet: ZooFamily = {
  family: "fbnet",
  paper:
    "Wu et al. 2019, FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search, arXiv 1812.03443",
  networks: { fbnet_cb: () => buildFbnet("fbnet_cb", fbnetC, 1984) },
};
