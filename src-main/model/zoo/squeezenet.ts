import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import { ceilPool } from "./ceilPool.ts";
import type { ZooFamily } from "./family.ts";

interface SqueezePlan {
  stem: { filters: number; kernel: number };
  /** Output channels of the fire modules; a pool precedes each stage. */
  stages: readonly (readonly number[])[];
  /** Modules that are added to their input, where the paper's bypass allows it. */
  bypass?: readonly (readonly boolean[])[];
}

// Table 1 of the paper and the release of version 1.1, which pools earlier.
const version10: SqueezePlan = {
  stem: { filters: 96, kernel: 7 },
  stages: [[128, 128, 256], [256, 384, 384, 512], [512]],
};
const version11: SqueezePlan = {
  stem: { filters: 64, kernel: 3 },
  stages: [
    [128, 128],
    [256, 256],
    [384, 384, 512, 512],
  ],
};

const plans: Record<string, SqueezePlan> = { squeezenet_v1_0: version10, squeezenet_v1_1: version11 };

// Figure 2 of the paper, middle: a module is bypassed where its input has as many channels as its output.
const residualPlans: Record<string, SqueezePlan> = {
  squeezeresnet_v1_0: { ...version10, bypass: [[false, true, false], [true, false, true, false], [true]] },
  squeezeresnet_v1_1: {
    ...version11,
    bypass: [
      [false, true],
      [false, true],
      [false, true, false, true],
    ],
  },
};

/** A fire module: a 1×1 convolution squeezes to an eighth, then 1×1 and 3×3 convolutions give half the output each. */
function buildFire(builder: GraphBuilder, x: Value, filters: number, bypass: boolean): Value {
  const squeezed = builder.conv(x, filters / 8, 1, { activation: "relu", name: "squeeze" });
  const y = builder.concat([
    builder.conv(squeezed, filters / 2, 1, { activation: "relu", name: "expand1x1" }),
    builder.conv(squeezed, filters / 2, 3, { padding: 1, activation: "relu", name: "expand3x3" }),
  ]);
  return bypass ? builder.add(y, x) : y;
}

function buildSqueezenet(name: string, { stem, stages, bypass }: SqueezePlan): Graph {
  const builder = new GraphBuilder(name);
  let x = builder.conv(builder.input([1, 224, 224, 3]), stem.filters, stem.kernel, {
    stride: 2,
    padding: "valid",
    activation: "relu",
    name: "stem",
  });
  stages.forEach((modules, stage) => {
    builder.within(`stage${stage + 1}`, () => {
      x = ceilPool(builder, x);
      modules.forEach((filters, index) => {
        x = builder.within(`fire${index + 1}`, () =>
          buildFire(builder, x, filters, bypass?.[stage]?.[index] ?? false),
        );
      });
    });
  });
  x = builder.conv(x, 1000, 1, { activation: "relu", name: "classifier" });
  return builder.build(builder.globalAveragePool(x));
}

const paper =
  "Iandola et al. 2016, SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, arXiv 1602.07360";

/** SqueezeNet 1.0 and 1.1. */
export const squeezenet: ZooFamily = {
  family: "squeezenet",
  paper,
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildSqueezenet(name, plan)]),
  ),
};

/** SqueezeNet with the paper's simple bypass. */
export const squeezeresnet: ZooFamily = {
  family: "squeezeresnet",
  paper,
  networks: Object.fromEntries(
    Object.entries(residualPlans).map(([name, plan]) => [name, () => buildSqueezenet(name, plan)]),
  ),
};
