import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import {
  buildResidualStages,
  buildResidualStem,
  buildShortcut,
  classify,
  planResidualStages,
} from "./resnet.ts";

/** Bottlenecks whose 3×3 convolution has `cardinality` groups of `width` channels in the first stage. */
interface ResnextPlan {
  depths: readonly number[];
  cardinality: number;
  width: number;
}

const plans: Record<string, ResnextPlan> = {
  resnext14_16x4d: { depths: [1, 1, 1, 1], cardinality: 16, width: 4 },
  resnext14_32x4d: { depths: [1, 1, 1, 1], cardinality: 32, width: 4 },
  resnext26_16x4d: { depths: [2, 2, 2, 2], cardinality: 16, width: 4 },
  resnext26_32x4d: { depths: [2, 2, 2, 2], cardinality: 32, width: 4 },
};

function buildResnext(name: string, { depths, cardinality, width }: ResnextPlan): Graph {
  const builder = new GraphBuilder(name);
  const { stem, stages } = planResidualStages({ depths, bottleneck: true });
  const x = buildResidualStages(builder, buildResidualStem(builder, stem), stages, (input, unit) => {
    const { filters, stride } = unit;
    // The first stage's 256 filters are the unit of the width.
    const inner = cardinality * Math.floor((filters / 256) * width);
    let y = builder.conv(input, inner, 1, { activation: "relu", name: "conv1" });
    y = builder.conv(y, inner, 3, { stride, groups: cardinality, activation: "relu", name: "conv2" });
    y = builder.conv(y, filters, 1, { name: "conv3" });
    return builder.add(y, buildShortcut(builder, input, unit), { activation: "relu" });
  });
  return classify(builder, x);
}

/** ResNeXts of 14 and 26 layers, named by cardinality and width. */
export const resnext: ZooFamily = {
  family: "resnext",
  paper: "Xie et al. 2017, Aggregated Residual Transformations for Deep Neural Networks, arXiv 1611.05431",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildResnext(name, plan)]),
  ),
};
