import { GraphBuilder } from "../builder.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildResidualStages, buildShortcut, classify } from "./resnet.ts";
import type { ResidualUnit } from "./resnet.ts";

/** The parameters of the paper's quantised linear widths: w₀, wₐ, w_m, depth, group width. */
type RegnetPlan = readonly [initial: number, slope: number, factor: number, depth: number, group: number];

// Tables of the paper's appendix D.
const regnetxPlans: Record<string, RegnetPlan> = {
  regnetx002: [24, 36.44, 2.49, 13, 8],
  regnetx004: [24, 24.48, 2.54, 22, 16],
  regnetx006: [48, 36.97, 2.24, 16, 24],
  regnetx008: [56, 35.73, 2.28, 16, 16],
  regnetx016: [80, 34.01, 2.25, 18, 24],
};

const regnetyPlans: Record<string, RegnetPlan> = {
  regnety002: [24, 36.44, 2.49, 13, 8],
  regnety004: [48, 27.89, 2.09, 16, 8],
  regnety006: [48, 32.54, 2.32, 15, 16],
  regnety008: [56, 38.84, 2.4, 14, 16],
  regnety016: [48, 20.71, 2.65, 27, 24],
};

/** Width and depth of each stage: widths grow linearly by block and are quantised to powers of the factor (section 3.3). */
export function planRegnetStages(plan: RegnetPlan): { width: number; depth: number; group: number }[] {
  const [initial, slope, factor, depth, group] = plan;
  const depths = new Map<number, number>();
  for (let block = 0; block < depth; block++) {
    const exponent = roundHalfEven(Math.log((initial + slope * block) / initial) / Math.log(factor));
    const width = 8 * roundHalfEven((initial * factor ** exponent) / 8);
    depths.set(width, (depths.get(width) ?? 0) + 1);
  }
  return [...depths].map(([width, blocks]) => {
    const fitting = Math.min(group, width);
    return { width: roundHalfEven(width / fitting) * fitting, depth: blocks, group: fitting };
  });
}

// The published networks were rounded with ties to even.
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

function buildRegnet(name: string, plan: RegnetPlan, squeezes: boolean): Graph {
  const builder = new GraphBuilder(name);
  const stages = planRegnetStages(plan);
  const units = stages.map(({ width, depth }) =>
    Array.from({ length: depth }, (_, unit): ResidualUnit => ({
      filters: width,
      stride: unit === 0 ? 2 : 1,
    })),
  );
  const groupOf = new Map(stages.map(({ width, group }) => [width, group]));
  const stem = builder.conv(builder.input([1, 224, 224, 3]), 32, 3, {
    stride: 2,
    activation: "relu",
    name: "stem",
  });
  const x = buildResidualStages(builder, stem, units, (input, unit) => {
    const { filters, stride } = unit;
    let y = builder.conv(input, filters, 1, { activation: "relu", name: "conv1" });
    const groups = filters / groupOf.get(filters)!;
    y = builder.conv(y, filters, 3, { stride, groups, activation: "relu", name: "conv2" });
    // A quarter of the unit's input, not of the channels it scales.
    if (squeezes) y = builder.squeezeExcite(y, Math.floor(input.shape[3]! / 4));
    y = builder.conv(y, filters, 1, { name: "conv3" });
    return builder.add(y, buildShortcut(builder, input, unit), { activation: "relu" });
  });
  return classify(builder, x);
}

const paper = "Radosavovic et al. 2020, Designing Network Design Spaces, arXiv 2003.13678";

/** RegNetX of 200 million to 1.6 billion multiply-accumulates. */
export const regnetx: ZooFamily = {
  family: "regnetx",
  paper,
  networks: Object.fromEntries(
    Object.entries(regnetxPlans).map(([name, plan]) => [name, () => buildRegnet(name, plan, false)]),
  ),
};

/** RegNetY: the same with squeeze-and-excitation. */
export const regnety: ZooFamily = {
  family: "regnety",
  paper,
  networks: Object.fromEntries(
    Object.entries(regnetyPlans).map(([name, plan]) => [name, () => buildRegnet(name, plan, true)]),
  ),
};
