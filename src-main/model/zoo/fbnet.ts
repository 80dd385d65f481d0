import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** A block of the paper's table 1, written as in its figure 4: `k5_e6` is a kernel of 5 and an expansion of 6. */
type Block = `k${3 | 5}_e${1 | 3 | 6}`;

/** FBNet-C: output channels, stride of the first unit, and the chosen block of each unit; the skipped ones are left out. */
const fbnetC: readonly { channels: number; stride: 1 | 2; blocks: readonly Block[] }[] = [
  { channels: 16, stride: 1, blocks: ["k3_e1"] },
  { channels: 24, stride: 2, blocks: ["k3_e6", "k3_e1", "k3_e1"] },
  { channels: 32, stride: 2, blocks: ["k5_e6", "k5_e3", "k5_e6", "k3_e6"] },
  { channels: 64, stride: 2, blocks: ["k5_e6", "k5_e3", "k5_e6", "k5_e6"] },
  { channels: 112, stride: 1, blocks: ["k5_e6", "k5_e6", "k5_e6", "k5_e3"] },
  { channels: 184, stride: 2, blocks: ["k5_e6", "k5_e6", "k5_e6", "k5_e6"] },
  { channels: 352, stride: 1, blocks: ["k3_e6"] },
];

function buildFbnetC(name: string): Graph {
  const builder = new GraphBuilder(name);
  const stages = fbnetC.map(({ channels, stride, blocks }) =>
    blocks.map((block, unit) => ({ block, filters: channels, stride: unit === 0 ? stride : (1 as const) })),
  );
  const x = buildStages(
    builder,
    buildStem(builder, 16, "relu"),
    stages,
    (input, { block, filters, stride }) => {
      const [kernel, expansion] = [Number(block[1]), Number(block[4])];
      // The 1×1 convolution before the depthwise one is there even where it expands nothing (figure 3 of the paper).
      return buildInvertedUnit(builder, input, {
        filters,
        stride,
        kernel,
        expanded: expansion * channelsOf(input),
        activation: "relu",
      });
    },
  );
  return classify(builder, builder.conv(x, 1984, 1, { activation: "relu", name: "features" }));
}

/** FBNet-C, the largest of the paper's three. */
export const fbnet: ZooFamily = {
  family: "fbnet",
  paper:
    "Wu et al. 2019, FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search, arXiv 1812.03443",
  networks: { fbnet_cb: () => buildFbnetC("fbnet_cb") },
};
