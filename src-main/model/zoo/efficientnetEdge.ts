import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { Padding } from "../layerBuilder.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf, roundChannels } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** Stages of the small network; in `fused` ones a 3×3 convolution takes the place of the expansion and the depthwise. */
const table = [
  { fused: true, kernel: 3, expansion: 4, channels: 24, units: 1, stride: 1 },
  { fused: true, kernel: 3, expansion: 8, channels: 32, units: 2, stride: 2 },
  { fused: true, kernel: 3, expansion: 8, channels: 48, units: 4, stride: 2 },
  { fused: false, kernel: 5, expansion: 8, channels: 96, units: 5, stride: 2 },
  { fused: false, kernel: 5, expansion: 8, channels: 144, units: 4, stride: 1 },
  { fused: false, kernel: 5, expansion: 8, channels: 192, units: 2, stride: 2 },
] as const;

/** How much wider and deeper than the small network the others are (compound scaling, Tan and Le 2019). */
const scales = {
  small: { width: 1, depth: 1 },
  medium: { width: 1, depth: 1.1 },
  large: { width: 1.2, depth: 1.4 },
};

interface EdgeUnit {
  fused: boolean;
  kernel: number;
  expanded: (input: number) => number;
  filters: number;
  stride: 1 | 2;
  skip: boolean;
}

function buildEfficientnetEdge(name: string, { width, depth }: { width: number; depth: number }): Graph {
  const builder = new GraphBuilder(name);
  const stages = table.map(({ fused, kernel, expansion, channels, units, stride }, stage) => {
    const filters = roundChannels(channels * width);
    return Array.from({ length: Math.ceil(units * depth) }, (_, unit): EdgeUnit => ({
      fused,
      kernel,
      filters,
      // The first stage expands its output's channels and has no shortcut.
      expanded: (input) => expansion * (stage === 0 ? filters : input),
      skip: stage > 0,
      stride: unit === 0 ? stride : 1,
    }));
  });
  const stem = buildStem(builder, roundChannels(32 * width), "relu", padLikeSame(224, 3, 2));
  const x = buildStages(builder, stem, stages, (input, unit) =>
    unit.fused ? buildFusedUnit(builder, input, unit) : buildDepthwiseUnit(builder, input, unit),
  );
  const features = builder.conv(x, roundChannels(1280 * width), 1, { activation: "relu", name: "features" });
  return classify(builder, features);
}

/** A 3×3 convolution that expands and a linear 1×1 convolution that halves the image where the unit does. */
function buildFusedUnit(builder: GraphBuilder, x: Value, unit: EdgeUnit): Value {
  const { filters, kernel, stride, expanded, skip } = unit;
  let y = builder.conv(x, expanded(channelsOf(x)), kernel, { activation: "relu", name: "expand" });
  y = builder.conv(y, filters, 1, { stride, name: "project" });
  return skip && stride === 1 && channelsOf(x) === filters ? builder.add(y, x) : y;
}

function buildDepthwiseUnit(builder: GraphBuilder, x: Value, unit: EdgeUnit): Value {
  const { filters, kernel, stride, expanded } = unit;
  return buildInvertedUnit(builder, x, {
    filters,
    kernel,
    stride,
    expanded: expanded(channelsOf(x)),
    activation: "relu",
    padding: padLikeSame(x.shape[1]!, kernel, stride),
  });
}

/** The zeros SAME would add to a square image, as a PAD op of its own: the odd one goes below and to the right. */
function padLikeSame(size: number, kernel: number, stride: number): Padding {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);
  const before = Math.floor(total / 2);
  return [before, total - before, before, total - before];
}

/** EfficientNets for edge accelerators, all for images of 224×224, with the padding of their TensorFlow release. */
export const efficientnetEdge: ZooFamily = {
  family: "efficientnet_edge",
  paper:
    "Gupta and Akin 2020, Accelerator-aware Neural Network Design using AutoML, arXiv 2003.02838 (EfficientNet-EdgeTPU)",
  networks: Object.fromEntries(
    Object.entries(scales).map(([size, scale]) => {
      const name = `efficientnet_edge_${size}_b`;
      return [name, () => buildEfficientnetEdge(name, scale)] as const;
    }),
  ),
};
