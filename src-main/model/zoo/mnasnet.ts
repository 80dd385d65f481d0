import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** A row of the paper's figure 7: expansion, kernel, squeeze-excite, channels, units, stride of the first unit. */
type Row = readonly [
  expansion: number,
  kernel: 3 | 5,
  squeeze: "SE" | "",
  channels: number,
  units: number,
  stride: 1 | 2,
];

const a1: readonly Row[] = [
  [1, 3, "", 16, 1, 1],
  [6, 3, "", 24, 2, 2],
  [3, 5, "SE", 40, 3, 2],
  [6, 3, "", 80, 4, 2],
  [6, 3, "SE", 112, 2, 1],
  [6, 5, "SE", 160, 3, 2],
  [6, 3, "", 320, 1, 1],
];

const b1: readonly Row[] = [
  [1, 3, "", 16, 1, 1],
  [3, 3, "", 24, 3, 2],
  [3, 5, "", 40, 3, 2],
  [6, 5, "", 80, 3, 2],
  [6, 3, "", 96, 2, 1],
  [6, 5, "", 192, 4, 2],
  [6, 3, "", 320, 1, 1],
];

function buildMnasnet(name: string, rows: readonly Row[]): Graph {
  const builder = new GraphBuilder(name);
  const stages = rows.map(([expansion, kernel, squeeze, filters, units, stride]) =>
    Array.from({ length: units }, (_, unit) => ({
      expansion,
      kernel,
      squeeze,
      filters,
      stride: unit === 0 ? stride : (1 as const),
    })),
  );
  const x = buildStages(
    builder,
    buildStem(builder, 32, "relu"),
    stages,
    (input, { expansion, squeeze, ...unit }) => {
      const channels = channelsOf(input);
      return buildInvertedUnit(builder, input, {
        ...unit,
        expanded: expansion > 1 ? expansion * channels : null,
        activation: "relu",
        // A quarter of the unit's input, before the expansion.
        ...(squeeze ? { squeeze: (y: Value) => builder.squeezeExcite(y, channels / 4) } : {}),
      });
    },
  );
  return classify(builder, builder.conv(x, 1280, 1, { activation: "relu", name: "features" }));
}

/** MnasNet A1, found with squeeze-and-excitation, and B1, found without. */
export const mnasnet: ZooFamily = {
  family: "mnasnet",
  paper: "Tan et al. 2019, MnasNet: Platform-Aware Neural Architecture Search for Mobile, arXiv 1807.11626",
  networks: {
    mnasnet_a1: () => buildMnasnet("mnasnet_a1", a1),
    mnasnet_b1: () => buildMnasnet("mnasnet_b1", b1),
  },
};
