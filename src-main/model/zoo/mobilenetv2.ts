import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import {
  buildInvertedUnit,
  buildStages,
  buildStem,
  channelsOf,
  classifyPointwise,
  widthNames,
} from "./mobileBlocks.ts";

/** Table 2 of the paper, the rows of bottlenecks: expansion, channels, units, stride of the first unit. */
const table = [
  { expansion: 1, channels: 16, units: 1, stride: 1 },
  { expansion: 6, channels: 24, units: 2, stride: 2 },
  { expansion: 6, channels: 32, units: 3, stride: 2 },
  { expansion: 6, channels: 64, units: 4, stride: 2 },
  { expansion: 6, channels: 96, units: 3, stride: 1 },
  { expansion: 6, channels: 160, units: 3, stride: 2 },
  { expansion: 6, channels: 320, units: 1, stride: 1 },
] as const;

/** With `keepExpansion` the first unit has its 1×1 convolution although it expands nothing. */
function buildMobilenetV2(name: string, width: number, keepExpansion: boolean): Graph {
  const builder = new GraphBuilder(name);
  const stages = table.map(({ expansion, channels, units, stride }) =>
    Array.from({ length: units }, (_, unit) => ({
      expansion,
      filters: Math.floor(channels * width),
      stride: unit === 0 ? stride : (1 as const),
    })),
  );
  const stem = buildStem(builder, Math.floor(32 * width), "relu6");
  const x = buildStages(builder, stem, stages, (input, { expansion, filters, stride }) =>
    buildInvertedUnit(builder, input, {
      filters,
      stride,
      kernel: 3,
      expanded: expansion > 1 || keepExpansion ? expansion * channelsOf(input) : null,
      activation: "relu6",
    }),
  );
  const features = builder.conv(x, 1280, 1, { activation: "relu6", name: "features" });
  return classifyPointwise(builder, features, { bias: false });
}

function listNetworks(prefix: string, keepExpansion: boolean): ZooFamily["networks"] {
  const widths = ["w1", "w3d4", "wd2", "wd4"] as const;
  return Object.fromEntries(
    widths.map((width) => [
      `${prefix}_${width}`,
      () => buildMobilenetV2(`${prefix}_${width}`, widthNames[width], keepExpansion),
    ]),
  );
}

/** MobileNets v2 of four widths; `mobilenetv2b` is the paper's own form, whose first unit has no expansion. */
export const mobilenetv2: ZooFamily = {
  family: "mobilenetv2",
  paper: "Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv 1801.04381",
  networks: { ...listNetworks("mobilenetv2", true), ...listNetworks("mobilenetv2b", false) },
};
