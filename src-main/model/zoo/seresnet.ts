import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { preactivate } from "./preactivation.ts";
import { buildPaddedStem, buildPreactivatedUnit } from "./preresnet.ts";
import {
  buildResidualBranch,
  buildResidualStages,
  buildResidualStem,
  buildShortcut,
  classify,
  planResidualStages,
  residualPlans,
} from "./resnet.ts";
import type { ResidualPlan } from "./resnet.ts";

const sizes = ["10", "12", "14", "16", "18"] as const;

/** Channels between the two convolutions of a squeeze-and-excitation ÷ channels it scales. */
const reduction = 16;

function buildSeresnet(name: string, plan: ResidualPlan): Graph {
  const builder = new GraphBuilder(name);
  const { stem, stages } = planResidualStages(plan);
  const x = buildResidualStages(builder, buildResidualStem(builder, stem), stages, (input, unit) => {
    const y = buildResidualBranch(builder, input, unit, false);
    // Before the gate, as the converter wrote it: on a GPU the addition joins the branch that ends last.
    const shortcut = buildShortcut(builder, input, unit);
    return builder.add(builder.squeezeExcite(y, unit.filters / reduction), shortcut, { activation: "relu" });
  });
  return classify(builder, x);
}

function buildSepreresnet(name: string, plan: ResidualPlan): Graph {
  const builder = new GraphBuilder(name);
  const { stem, stages } = planResidualStages(plan);
  const x = buildResidualStages(builder, buildPaddedStem(builder, stem), stages, (input, unit) => {
    const { branch, shortcut } = buildPreactivatedUnit(builder, input, unit, false);
    const kept = shortcut();
    return builder.add(builder.squeezeExcite(branch, unit.filters / reduction), kept);
  });
  return classify(builder, preactivate(builder, x));
}

/** ResNets of 10 to 18 layers whose branches end in a squeeze-and-excitation. */
export const seresnet: ZooFamily = {
  family: "seresnet",
  paper: "Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507",
  networks: Object.fromEntries(
    sizes.map((size) => [`seresnet${size}`, () => buildSeresnet(`seresnet${size}`, residualPlans[size])]),
  ),
};

/** The same with pre-activation. */
export const sepreresnet: ZooFamily = {
  family: "sepreresnet",
  paper: "Hu et al. 2018, Squeeze-and-Excitation Networks, arXiv 1709.01507",
  networks: Object.fromEntries(
    sizes.map((size) => [
      `sepreresnet${size}`,
      () => buildSepreresnet(`sepreresnet${size}`, residualPlans[size]),
    ]),
  ),
};
