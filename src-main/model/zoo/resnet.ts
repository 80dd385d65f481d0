import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";

/** What tells the networks of the residual families apart. */
export interface ResidualPlan {
  /** Units in each of the four stages. */
  depths: readonly number[];
  /** Units of three convolutions whose output has four times the channels. */
  bottleneck?: boolean;
  /** Width of all channels but the last unit's. */
  width?: number;
}

/** Units a stage of the networks up to 18 layers, by number of layers; `bc` are those of bottlenecks. */
export const residualPlans = {
  "10": { depths: [1, 1, 1, 1] },
  "12": { depths: [2, 1, 1, 1] },
  "14": { depths: [2, 2, 1, 1] },
  "16": { depths: [2, 2, 2, 1] },
  "18": { depths: [2, 2, 2, 2] },
  "18_w3d4": { depths: [2, 2, 2, 2], width: 3 / 4 },
  "18_wd2": { depths: [2, 2, 2, 2], width: 1 / 2 },
  "18_wd4": { depths: [2, 2, 2, 2], width: 1 / 4 },
  bc14b: { depths: [1, 1, 1, 1], bottleneck: true },
  bc26b: { depths: [2, 2, 2, 2], bottleneck: true },
} as const satisfies Record<string, ResidualPlan>;

/** One unit of a residual network. */
export interface ResidualUnit {
  filters: number;
  stride: 1 | 2;
}

/** The channels of the stem and the units of each stage; the first unit of every stage but the first halves the image. */
export function planResidualStages(plan: ResidualPlan): { stem: number; stages: ResidualUnit[][] } {
  const { depths, bottleneck = false, width = 1 } = plan;
  const stages = depths.map((depth, stage) =>
    Array.from({ length: depth }, (_, unit): ResidualUnit => {
      const full = 64 * 2 ** stage * (bottleneck ? 4 : 1);
      const last = stage === depths.length - 1 && unit === depth - 1;
      return { filters: last ? full : Math.floor(full * width), stride: stage > 0 && unit === 0 ? 2 : 1 };
    }),
  );
  return { stem: Math.floor(64 * width), stages };
}

/** A stem of a 7×7 convolution and a pool, each halving a 224×224 image. */
export function buildResidualStem(builder: GraphBuilder, filters: number): Value {
  const x = builder.conv(builder.input([1, 224, 224, 3]), filters, 7, {
    stride: 2,
    activation: "relu",
    name: "stem",
  });
  return builder.maxPool(x, 3, { stride: 2, padding: "same", name: "stem_pool" });
}

/** Builds all units under the names `stage1/unit1` and so on. */
export function buildResidualStages<Unit extends ResidualUnit>(
  builder: GraphBuilder,
  x: Value,
  stages: readonly (readonly Unit[])[],
  buildUnit: (x: Value, unit: Unit) => Value,
): Value {
  stages.forEach((units, stage) =>
    builder.within(`stage${stage + 1}`, () =>
      units.forEach((unit, index) => {
        x = builder.within(`unit${index + 1}`, () => buildUnit(x, unit));
      }),
    ),
  );
  return x;
}

/** The average of each channel and a fully connected layer for 1000 classes, without softmax. */
export function classify(builder: GraphBuilder, x: Value): Graph {
  return builder.build(builder.fullyConnected(builder.globalAveragePool(x), 1000, { name: "classifier" }));
}

/** The convolutions of a unit before the addition; a bottleneck halves the image in its 3×3 convolution. */
export function buildResidualBranch(
  builder: GraphBuilder,
  x: Value,
  { filters, stride }: ResidualUnit,
  bottleneck: boolean,
): Value {
  if (!bottleneck) {
    const y = builder.conv(x, filters, 3, { stride, activation: "relu", name: "conv1" });
    return builder.conv(y, filters, 3, { name: "conv2" });
  }
  let y = builder.conv(x, filters / 4, 1, { activation: "relu", name: "conv1" });
  y = builder.conv(y, filters / 4, 3, { stride, activation: "relu", name: "conv2" });
  return builder.conv(y, filters, 1, { name: "conv3" });
}

/** What a branch is added to: the input itself or, where the shape changes, its 1×1 convolution. */
export function buildShortcut(
  builder: GraphBuilder,
  x: Value,
  { filters, stride }: ResidualUnit,
  options: { bias?: boolean } = {},
): Value {
  if (stride === 1 && x.shape[3] === filters) return x;
  return builder.conv(x, filters, 1, { stride, name: "shortcut", ...options });
}

function buildResnet(name: string, plan: ResidualPlan): Graph {
  const builder = new GraphBuilder(name);
  const { stem, stages } = planResidualStages(plan);
  const x = buildResidualStages(builder, buildResidualStem(builder, stem), stages, (input, unit) => {
    const y = buildResidualBranch(builder, input, unit, plan.bottleneck ?? false);
    return builder.add(y, buildShortcut(builder, input, unit), { activation: "relu" });
  });
  return classify(builder, x);
}

/** ResNets of 10 to 26 layers; `w3d4`, `wd2`, `wd4` are of ¾, ½, ¼ width, `bc…b` have bottlenecks. */
export const resnet: ZooFamily = {
  family: "resnet",
  paper: "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv 1512.03385",
  networks: Object.fromEntries(
    Object.entries(residualPlans).map(([size, plan]) => [
      `resnet${size}`,
      () => buildResnet(`resnet${size}`, plan),
    ]),
  ),
};
