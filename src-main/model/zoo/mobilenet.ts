import { GraphBuilder } from "../builder.ts";
import type { Activation } from "../elementwiseBuilder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildDepthwise, buildStages, buildStem, widthNames } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** What tells the networks of depthwise separable convolutions apart. */
export interface SeparablePlan {
  /** Output channels of each unit, by stage, before the width. */
  stages: readonly (readonly number[])[];
  /** Whether the first stage halves the image, as all others do. */
  firstHalves: boolean;
  /** Without batch norm and activation between the depthwise and the pointwise convolution. */
  simplified?: boolean;
  width: number;
}

/** Names of the widths these networks come in. */
export const separableWidths = ["w1", "w3d4", "wd2", "wd4"] as const;

/** A network of depthwise separable convolutions between a stem of 32 channels and a classifier. */
export function buildSeparableNetwork(name: string, plan: SeparablePlan): Graph {
  const builder = new GraphBuilder(name);
  const scale = (channels: number) => Math.floor(channels * plan.width);
  const between: { activation: Activation; bias: boolean } = plan.simplified
    ? { activation: "none", bias: false }
    : { activation: "relu", bias: true };
  const stages = plan.stages.map((stage, index) =>
    stage.map((channels, unit): { filters: number; stride: 1 | 2 } => ({
      filters: scale(channels),
      stride: unit === 0 && (index > 0 || plan.firstHalves) ? 2 : 1,
    })),
  );
  const x = buildStages(builder, buildStem(builder, scale(32), "relu"), stages, (input, unit) => {
    const y = buildDepthwise(builder, input, 3, { stride: unit.stride, ...between });
    return builder.conv(y, unit.filters, 1, { activation: "relu", name: "pointwise" });
  });
  return classify(builder, x);
}

const stages = [[64], [128, 128], [256, 256], [512, 512, 512, 512, 512, 512], [1024, 1024]];

function listNetworks(prefix: string, simplified: boolean): ZooFamily["networks"] {
  return Object.fromEntries(
    separableWidths.map((width) => [
      `${prefix}_${width}`,
      () =>
        buildSeparableNetwork(`${prefix}_${width}`, {
          stages,
          firstHalves: false,
          simplified,
          width: widthNames[width],
        }),
    ]),
  );
}

/** MobileNets of four widths; `mobilenetb` is the form whose depthwise convolutions are bare. */
export const mobilenet: ZooFamily = {
  family: "mobilenet",
  paper:
    "Howard et al. 2017, MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv 1704.04861",
  networks: { ...listNetworks("mobilenet", false), ...listNetworks("mobilenetb", true) },
};
