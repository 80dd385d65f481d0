import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** The network the search found: kernel and expansion of the stage's first unit, then of the others. */
const table = [
  { channels: 16, stride: 1, first: [3, 1], others: [] },
  {
    channels: 24,
    stride: 2,
    first: [3, 3],
    others: [
      [3, 3],
      [3, 3],
    ],
  },
  {
    channels: 40,
    stride: 2,
    first: [5, 6],
    others: [
      [3, 3],
      [3, 3],
      [3, 3],
    ],
  },
  {
    channels: 80,
    stride: 2,
    first: [5, 6],
    others: [
      [3, 3],
      [3, 3],
      [3, 3],
    ],
  },
  {
    channels: 96,
    stride: 1,
    first: [5, 6],
    others: [
      [5, 3],
      [5, 3],
      [5, 3],
    ],
  },
  {
    channels: 192,
    stride: 2,
    first: [5, 6],
    others: [
      [5, 6],
      [5, 6],
      [5, 6],
    ],
  },
  { channels: 320, stride: 1, first: [3, 6], others: [] },
] as const;

function buildSpnasnet(name: string): Graph {
  const builder = new GraphBuilder(name);
  const stages = table.map(({ channels, stride, first, others }) =>
    [first, ...others].map(([kernel, expansion], unit) => ({
      kernel,
      expansion,
      filters: channels,
      stride: unit === 0 ? stride : (1 as const),
    })),
  );
  const x = buildStages(builder, buildStem(builder, 32, "relu"), stages, (input, { expansion, ...unit }) =>
    buildInvertedUnit(builder, input, {
      ...unit,
      expanded: expansion > 1 ? expansion * channelsOf(input) : null,
      activation: "relu",
    }),
  );
  return classify(builder, builder.conv(x, 1280, 1, { activation: "relu", name: "features" }));
}

/** The network of the single-path search. */
export const spnasnet: ZooFamily = {
  family: "spnasnet",
  paper:
    "Stamoulis et al. 2019, Single-Path NAS: Designing Hardware-Efficient ConvNets in less than 4 Hours, arXiv 1904.02877",
  networks: { spnasnet: () => buildSpnasnet("spnasnet") },
};
