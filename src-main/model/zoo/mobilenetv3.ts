import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { Value } from "../graphAssembler.ts";
import type { ZooFamily } from "./family.ts";
import {
  buildInvertedUnit,
  buildStages,
  buildStem,
  channelsOf,
  classifyPointwise,
  roundChannels,
  widthNames,
} from "./mobileBlocks.ts";

/** A row of the paper's tables 1 and 2: kernel, expanded channels, channels, squeeze-excite, nonlinearity, stride. */
type Row = readonly [
  kernel: 3 | 5,
  expanded: number,
  channels: number,
  "SE" | "",
  "RE" | "HS",
  stride: 1 | 2,
];

interface Plan {
  stages: readonly (readonly Row[])[];
  features: number;
}

const large: Plan = {
  stages: [
    [[3, 16, 16, "", "RE", 1]],
    [
      [3, 64, 24, "", "RE", 2],
      [3, 72, 24, "", "RE", 1],
    ],
    [
      [5, 72, 40, "SE", "RE", 2],
      [5, 120, 40, "SE", "RE", 1],
      [5, 120, 40, "SE", "RE", 1],
    ],
    [
      [3, 240, 80, "", "HS", 2],
      [3, 200, 80, "", "HS", 1],
      [3, 184, 80, "", "HS", 1],
      [3, 184, 80, "", "HS", 1],
      [3, 480, 112, "SE", "HS", 1],
      [3, 672, 112, "SE", "HS", 1],
    ],
    [
      [5, 672, 160, "SE", "HS", 2],
      [5, 960, 160, "SE", "HS", 1],
      [5, 960, 160, "SE", "HS", 1],
    ],
  ],
  features: 960,
};

const small: Plan = {
  stages: [
    [[3, 16, 16, "SE", "RE", 2]],
    [
      [3, 72, 24, "", "RE", 2],
      [3, 88, 24, "", "RE", 1],
    ],
    [
      [5, 96, 40, "SE", "HS", 2],
      [5, 240, 40, "SE", "HS", 1],
      [5, 240, 40, "SE", "HS", 1],
      [5, 120, 48, "SE", "HS", 1],
      [5, 144, 48, "SE", "HS", 1],
    ],
    [
      [5, 288, 96, "SE", "HS", 2],
      [5, 576, 96, "SE", "HS", 1],
      [5, 576, 96, "SE", "HS", 1],
    ],
  ],
  features: 576,
};

function buildMobilenetV3(name: string, { stages, features }: Plan, width: number): Graph {
  const builder = new GraphBuilder(name);
  const scale = (channels: number) => (width === 1 ? channels : roundChannels(channels * width));
  const stem = buildStem(builder, scale(16), "hard-swish");
  let x = buildStages(
    builder,
    stem,
    stages,
    (input, [kernel, expanded, channels, squeeze, nonlinearity, stride]) =>
      buildInvertedUnit(builder, input, {
        kernel,
        stride,
        filters: scale(channels),
        expanded: scale(expanded) === scale(channels) ? null : scale(expanded),
        activation: nonlinearity === "RE" ? "relu" : "hard-swish",
        ...(squeeze ? { squeeze: (y: Value) => squeezeHard(builder, y) } : {}),
      }),
  );
  // Narrow networks keep the width of the last layers, as in MobileNetV2.
  x = builder.conv(x, width > 1 ? scale(features) : features, 1, {
    activation: "hard-swish",
    name: "features",
  });
  return classifyPointwise(builder, x, {
    hidden: (y) => builder.conv(y, 1280, 1, { activation: "hard-swish", bias: false, name: "hidden" }),
  });
}

/** Squeeze-and-excitation with the gate relu6(x + 3) ÷ 6, whose 3 a converter folds into the bias of the convolution before. */
export function squeezeHard(builder: GraphBuilder, x: Value): Value {
  return builder.within("squeeze_excite", () => {
    const channels = channelsOf(x);
    let gate = builder.globalAveragePool(x, { keepDims: true, name: "squeeze" });
    gate = builder.conv(gate, roundChannels(channels / 4), 1, { activation: "relu", name: "reduce" });
    gate = builder.conv(gate, channels, 1, { activation: "relu6", bias: 3, name: "expand" });
    gate = builder.mul(gate, builder.scalar(1 / 6, "sixth"), { name: "gate" });
    return builder.mul(x, gate, { name: "scale" });
  });
}

const widths = ["w7d20", "wd2", "w3d4", "w1", "w5d4"] as const;

/** MobileNets v3, small and large, of five widths. */
export const mobilenetv3: ZooFamily = {
  family: "mobilenetv3",
  paper: "Howard et al. 2019, Searching for MobileNetV3, arXiv 1905.02244",
  networks: Object.fromEntries(
    Object.entries({ small, large }).flatMap(([size, plan]) =>
      widths.map((width) => {
        const name = `mobilenetv3_${size}_${width}`;
        return [name, () => buildMobilenetV3(name, plan, widthNames[width])] as const;
      }),
    ),
  ),
};
