import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildResidualBranch, buildShortcut, classify } from "./resnet.ts";
import type { ResidualUnit } from "./resnet.ts";

interface HrnetPlan {
  /** Bottlenecks after the stem and their output channels. */
  stem: { depth: number; filters: number };
  /** Channels of the branch of highest resolution; each next one has twice as many and half the size. */
  width: number;
  /** Exchanges in the stages of two, three and four branches. */
  exchanges: readonly number[];
}

const plans: Record<string, HrnetPlan> = {
  hrnet_w18_small_v1: { stem: { depth: 1, filters: 128 }, width: 16, exchanges: [1, 1, 1] },
  hrnet_w18_small_v2: { stem: { depth: 2, filters: 256 }, width: 18, exchanges: [1, 3, 2] },
};

/** Output channels of the head's bottlenecks, one a branch. */
const headFilters = [128, 256, 512, 1024];

const relu = { activation: "relu" } as const;

function buildUnit(builder: GraphBuilder, x: Value, unit: ResidualUnit, bottleneck: boolean): Value {
  const y = buildResidualBranch(builder, x, unit, bottleneck);
  return builder.add(y, buildShortcut(builder, x, unit), relu);
}

/** Brings branch `from` to the channels and the size of branch `to`. */
function convert(builder: GraphBuilder, branches: readonly Value[], from: number, to: number): Value {
  const [x, target] = [branches[from]!, branches[to]!];
  const [, height, width, channels] = target.shape as [number, number, number, number];
  if (from === to) return x;
  return builder.within(`from${from + 1}`, () => {
    if (from > to) {
      const y = builder.conv(x, channels, 1, { name: "conv" });
      return builder.resizeNearest(y, [height, width], { halfPixelCenters: true, name: "upsample" });
    }
    let y = x;
    for (let step = from + 1; step < to; step++)
      y = builder.conv(y, x.shape[3]!, 3, { ...relu, stride: 2, name: `down${step}` });
    return builder.conv(y, channels, 3, { stride: 2, name: `down${to}` });
  });
}

/** Two residual units on each branch, then each branch receives the sum of all (figure 3 of the paper). */
function buildExchange(builder: GraphBuilder, branches: readonly Value[]): Value[] {
  const worked = branches.map((x, branch) => {
    const unit: ResidualUnit = { filters: x.shape[3]!, stride: 1 };
    return builder.within(`branch${branch + 1}`, () => {
      const first = builder.within("unit1", () => buildUnit(builder, x, unit, false));
      return builder.within("unit2", () => buildUnit(builder, first, unit, false));
    });
  });
  return worked.map((_, to) =>
    builder.within(`fuse${to + 1}`, () => {
      let sum = convert(builder, worked, 0, to);
      for (let from = 1; from < worked.length; from++)
        sum = builder.add(sum, convert(builder, worked, from, to), {
          activation: from === worked.length - 1 ? "relu" : "none",
        });
      return sum;
    }),
  );
}

/** The branches of the next stage: those there are, brought to their channels, and a new one at half the lowest resolution. */
function buildTransition(builder: GraphBuilder, branches: readonly Value[], width: number): Value[] {
  const last = branches.at(-1)!;
  const kept = branches.map((x, branch) => {
    const filters = width * 2 ** branch;
    return x.shape[3] === filters ? x : builder.conv(x, filters, 3, { ...relu, name: `keep${branch + 1}` });
  });
  const filters = width * 2 ** branches.length;
  return [...kept, builder.conv(last, filters, 3, { ...relu, stride: 2, name: "new" })];
}

/** The head for classification: each branch widened by a bottleneck, summed from the highest resolution down. */
function buildHead(builder: GraphBuilder, branches: readonly Value[]): Value {
  const widened = branches.map((x, branch) =>
    builder.within(`branch${branch + 1}`, () =>
      buildUnit(builder, x, { filters: headFilters[branch]!, stride: 1 }, true),
    ),
  );
  const y = widened.reduce((sum, x, branch) =>
    builder.add(x, builder.conv(sum, headFilters[branch]!, 3, { ...relu, stride: 2, name: `down${branch}` })),
  );
  return builder.conv(y, 2048, 1, { ...relu, name: "final" });
}

function buildHrnet(name: string, { stem, width, exchanges }: HrnetPlan): Graph {
  const builder = new GraphBuilder(name);
  let x = builder.conv(builder.input([1, 224, 224, 3]), 64, 3, { ...relu, stride: 2, name: "stem1" });
  x = builder.conv(x, 64, 3, { ...relu, stride: 2, name: "stem2" });
  builder.within("stage1", () => {
    for (let index = 1; index <= stem.depth; index++)
      x = builder.within(`unit${index}`, () =>
        buildUnit(builder, x, { filters: stem.filters, stride: 1 }, true),
      );
  });
  let branches = [x];
  exchanges.forEach((count, stage) => {
    builder.within(`stage${stage + 2}`, () => {
      branches = buildTransition(builder, branches, width);
      for (let index = 1; index <= count; index++)
        branches = builder.within(`exchange${index}`, () => buildExchange(builder, branches));
    });
  });
  return classify(
    builder,
    builder.within("head", () => buildHead(builder, branches)),
  );
}

/** High-resolution networks with the head for classification. */
export const hrnet: ZooFamily = {
  family: "hrnet",
  paper:
    "Wang et al. 2020, Deep High-Resolution Representation Learning for Visual Recognition, arXiv 1908.07919",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildHrnet(name, plan)]),
  ),
};
