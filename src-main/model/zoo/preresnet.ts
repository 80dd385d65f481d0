import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { preactivate } from "./preactivation.ts";
import { buildResidualStages, buildShortcut, classify, planResidualStages, residualPlans } from "./resnet.ts";
import type { ResidualPlan, ResidualUnit } from "./resnet.ts";

/** A stem as ResNet's, its 7×7 convolution padded explicitly. */
export function buildPaddedStem(builder: GraphBuilder, filters: number): Value {
  const x = builder.conv(builder.input([1, 224, 224, 3]), filters, 7, {
    stride: 2,
    padding: 3,
    activation: "relu",
    name: "stem",
  });
  return builder.maxPool(x, 3, { stride: 2, padding: "same", name: "stem_pool" });
}

/**
 * The convolutions of a unit with pre-activation and what they are added to: the unit's input, or a 1×1 convolution of the
 * activated input where the shape changes. The norms between the convolutions are folded into the one before; the last ones have none and no bias.
 */
export function buildPreactivatedUnit(
  builder: GraphBuilder,
  x: Value,
  unit: ResidualUnit,
  bottleneck: boolean,
): { branch: Value; shortcut: () => Value } {
  const { filters, stride } = unit;
  const active = preactivate(builder, x);
  const keeps = stride === 1 && x.shape[3] === filters;
  const shortcut = () => (keeps ? x : buildShortcut(builder, active, unit, { bias: false }));
  if (!bottleneck) {
    const y = builder.conv(active, filters, 3, { stride, padding: 1, activation: "relu", name: "conv1" });
    return { branch: builder.conv(y, filters, 3, { padding: 1, bias: false, name: "conv2" }), shortcut };
  }
  let y = builder.conv(active, filters / 4, 1, { activation: "relu", name: "conv1" });
  y = builder.conv(y, filters / 4, 3, { stride, padding: 1, activation: "relu", name: "conv2" });
  return { branch: builder.conv(y, filters, 1, { bias: false, name: "conv3" }), shortcut };
}

function buildPreresnet(name: string, plan: ResidualPlan): Graph {
  const builder = new GraphBuilder(name);
  const { stem, stages } = planResidualStages(plan);
  const x = buildResidualStages(builder, buildPaddedStem(builder, stem), stages, (input, unit) => {
    const { branch, shortcut } = buildPreactivatedUnit(builder, input, unit, plan.bottleneck ?? false);
    return builder.add(branch, shortcut());
  });
  return classify(builder, preactivate(builder, x));
}

/** ResNets of 10 to 26 layers with pre-activation; the endings are those of `resnet`. */
export const preresnet: ZooFamily = {
  family: "preresnet",
  paper: "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv 1603.05027",
  networks: Object.fromEntries(
    Object.entries(residualPlans).map(([size, plan]) => [
      `preresnet${size}`,
      () => buildPreresnet(`preresnet${size}`, plan),
    ]),
  ),
};
