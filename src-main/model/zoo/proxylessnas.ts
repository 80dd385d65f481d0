import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildInvertedUnit, buildStages, buildStem, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** Kernel and expansion of a unit as the paper's figure 4 writes them, `5x5 3`; a `-` is a unit the search left out. */
export type ProxylessUnit = `${3 | 5 | 7}x${3 | 5 | 7} ${1 | 3 | 6}` | "-";

/** Widths and units of a network of the paper's search space. */
export interface ProxylessPlan {
  stem: number;
  /** Output channels of the stages; strides 1, 2, 2, 2, 1, 2, 1. */
  channels: readonly number[];
  units: readonly (readonly ProxylessUnit[])[];
  features: number;
}

/** Strides of the stages' first units. */
export const proxylessStrides = [1, 2, 2, 2, 1, 2, 1] as const;

const mobileUnits: ProxylessPlan["units"] = [
  ["3x3 1"],
  ["5x5 3", "3x3 3", "-", "-"],
  ["7x7 3", "3x3 3", "5x5 3", "5x5 3"],
  ["7x7 6", "5x5 3", "5x5 3", "5x5 3"],
  ["5x5 6", "5x5 3", "5x5 3", "5x5 3"],
  ["7x7 6", "7x7 6", "7x7 3", "7x7 3"],
  ["7x7 6"],
];

/** Widths of the network for phones, of which the search space consists. */
export const mobileWidths = { stem: 32, channels: [16, 32, 40, 80, 96, 192, 320], features: 1280 };

const plans: Record<string, ProxylessPlan> = {
  proxylessnas_cpu: {
    stem: 40,
    channels: [24, 32, 48, 88, 104, 216, 360],
    units: [
      ["3x3 1"],
      ["3x3 6", "3x3 3", "3x3 3", "3x3 3"],
      ["3x3 6", "3x3 3", "3x3 3", "5x5 3"],
      ["3x3 6", "-", "-", "3x3 3"],
      ["5x5 6", "3x3 3", "3x3 3", "3x3 3"],
      ["5x5 6", "5x5 3", "5x5 3", "3x3 3"],
      ["5x5 6"],
    ],
    features: 1432,
  },
  proxylessnas_gpu: {
    stem: 40,
    channels: [24, 32, 56, 112, 128, 256, 432],
    units: [
      ["3x3 1"],
      ["5x5 3", "-", "-", "-"],
      ["7x7 3", "-", "-", "3x3 3"],
      ["7x7 6", "-", "-", "5x5 3"],
      ["5x5 6", "-", "3x3 3", "5x5 3"],
      ["7x7 6", "7x7 6", "7x7 6", "5x5 6"],
      ["7x7 6"],
    ],
    features: 1728,
  },
  proxylessnas_mobile: { ...mobileWidths, units: mobileUnits },
  proxylessnas_mobile14: {
    stem: 48,
    channels: [24, 40, 56, 112, 136, 256, 448],
    units: mobileUnits,
    features: 1792,
  },
};

/** Builds a network of the space, input 1×224×224×3. */
export function buildProxylessnas(name: string, plan: ProxylessPlan): Graph {
  const builder = new GraphBuilder(name);
  const stages = plan.units.map((units, stage) =>
    units.flatMap((unit, index) =>
      unit === "-"
        ? []
        : {
            kernel: Number(unit[0]),
            expansion: Number(unit[4]),
            filters: plan.channels[stage]!,
            stride: index === 0 ? proxylessStrides[stage]! : (1 as const),
          },
    ),
  );
  const stem = buildStem(builder, plan.stem, "relu6");
  const x = buildStages(builder, stem, stages, (input, { expansion, ...unit }) =>
    buildInvertedUnit(builder, input, {
      ...unit,
      expanded: expansion > 1 ? expansion * channelsOf(input) : null,
      activation: "relu6",
    }),
  );
  return classify(builder, builder.conv(x, plan.features, 1, { activation: "relu6", name: "features" }));
}

/** Networks found for a computer's CPU, a GPU and a phone; `mobile14` is the phone's 1.4 times as wide. */
export const proxylessnas: ZooFamily = {
  family: "proxylessnas",
  paper:
    "Cai et al. 2019, ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware, arXiv 1812.00332",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildProxylessnas(name, plan)]),
  ),
};
