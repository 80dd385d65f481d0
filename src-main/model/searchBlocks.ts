import type { GraphBuilder } from "./builder.ts";
import type { Activation } from "./elementwiseBuilder.ts";
import type { Value } from "./graphAssembler.ts";
import type { Random } from "./random.ts";

/** Building blocks of the search space. */
export const blockKinds = ["convolution", "grouped", "separable", "bottleneck", "split", "pooling"] as const;

export type BlockKind = (typeof blockKinds)[number];

/** What a block is before its channels are known. */
export interface BlockPlan {
  kind: BlockKind;
  stride: 1 | 2;
  /** Output channels relative to the usual width at this resolution; null keeps the input's. */
  width: number | null;
  kernel: number;
  activation: Activation;
  /** Adds the input to the output where the shapes agree. */
  residual: boolean;
  /** Bottleneck: channels inside ÷ channels at the input. */
  expansion: 1 | 3 | 6;
  /** Bottleneck: divisor of the channels in the squeeze-excite, null for none. */
  squeeze: 4 | 16 | null;
  gate: "sigmoid" | "hard-sigmoid";
  pool: "max" | "average";
  branches: BranchKind[];
  /** Numbers in [0, 1) that choose among what the channels allow once they are known. */
  share: number;
}

type BranchKind =
  "convolution" | "pointwise" | "depthwise" | "activation" | "magnitude" | "scale" | "identity";

/** Usual width of each kind's output: the kinds that spend much per channel are narrower, as in published networks. */
const kindWidth: Record<BlockKind, number> = {
  convolution: 0.75,
  grouped: 1.2,
  separable: 1.3,
  bottleneck: 0.6,
  split: 1,
  pooling: 1,
};

/** Activations networks use, with how often. */
export const activationWeights: readonly (readonly [Activation, number])[] = [
  ["relu", 4],
  ["relu6", 3],
  ["hard-swish", 2],
  ["none", 1],
];

/** Draws a block of a kind; `usual` is the activation most blocks of the network have. */
export function drawBlock(random: Random, kind: BlockKind, stride: 1 | 2, usual: Activation): BlockPlan {
  const keeps = stride === 1 && random.chance(0.6);
  return {
    kind,
    stride,
    width: keeps ? null : kindWidth[kind] * Math.exp(0.25 * random.normal()),
    kernel: random.pickWeighted([
      [3, 5],
      [5, 3],
      [7, 2],
    ]),
    activation: random.chance(0.8) ? usual : random.pickWeighted(activationWeights),
    residual: random.chance(0.75),
    expansion: random.pick([1, 3, 6]),
    squeeze: random.chance(0.5) ? random.pick([4, 16]) : null,
    gate: random.pick(["sigmoid", "hard-sigmoid"]),
    pool: random.pick(["max", "average"]),
    branches: Array.from({ length: 4 }, () => random.pickWeighted(branchWeights)),
    share: random.next(),
  };
}

const branchWeights: readonly (readonly [BranchKind, number])[] = [
  ["convolution", 6],
  ["pointwise", 2],
  ["depthwise", 2],
  ["activation", 2],
  ["magnitude", 1],
  ["scale", 1],
  ["identity", 1],
];

/** Appends a block with `filters` output channels. */
export function buildBlock(builder: GraphBuilder, x: Value, plan: BlockPlan, filters: number): Value {
  const y = bodies[plan.kind](builder, x, plan, filters);
  const fits = y.shape.every((size, axis) => size === x.shape[axis]);
  // A pooled copy of the input added to the input is no block anybody builds.
  if (!plan.residual || !fits || plan.kind === "pooling") return y;
  // After a linear bottleneck the sum stays linear (Sandler et al. 2018), elsewhere it is rectified (He et al. 2016).
  return builder.add(x, y, {
    activation: plan.kind === "bottleneck" ? "none" : plan.activation,
    name: "add",
  });
}

type Body = (builder: GraphBuilder, x: Value, plan: BlockPlan, filters: number) => Value;

const bodies: Record<BlockKind, Body> = {
  convolution: (builder, x, { kernel, stride, activation }, filters) =>
    builder.conv(x, filters, kernel, { stride, activation }),

  grouped: (builder, x, { kernel, stride, activation, share }, filters) => {
    const inner = roundTo(0.75 * filters, 8);
    let y = builder.conv(x, inner, 1, { activation, name: "reduce" });
    const groups = pickShare(groupCounts(inner), share);
    y = builder.groupedConv(y, inner, kernel, groups, { stride, activation, name: "grouped" });
    return builder.conv(y, filters, 1, { activation, name: "expand" });
  },

  separable: (builder, x, { kernel, stride, activation }, filters) => {
    const y = builder.depthwise(x, kernel, { stride, activation });
    return builder.conv(y, filters, 1, { activation, name: "pointwise" });
  },

  bottleneck: (builder, x, plan, filters) => {
    const { kernel, stride, activation, expansion, squeeze, gate } = plan;
    const inner = channelsOf(x) * expansion;
    let y = expansion === 1 ? x : builder.conv(x, inner, 1, { activation, name: "expand" });
    y = builder.depthwise(y, kernel, { stride, activation });
    if (squeeze) y = builder.squeezeExcite(y, roundTo(inner / squeeze, 4), { gate });
    return builder.conv(y, filters, 1, { name: "project" });
  },

  split: (builder, x, plan, filters) => {
    // Channels are multiples of 4, so two and four parts always come out even.
    const parts = pickShare(
      [2, 3, 4].filter((count) => channelsOf(x) % count === 0),
      plan.share,
    );
    const results = builder
      .split(x, parts)
      .map((piece, index) =>
        builder.within(`branch${index + 1}`, () =>
          buildBranch(builder, piece, plan, plan.branches[index]!, filters / parts),
        ),
      );
    const joined = builder.concat(results);
    return channelsOf(joined) === filters
      ? joined
      : builder.conv(joined, filters, 1, { activation: plan.activation, name: "mix" });
  },

  pooling: (builder, x, { pool, stride, share, activation }, filters) => {
    const window = pickShare([2, 3], share);
    const y =
      pool === "max" ? builder.maxPool(x, window, { stride }) : builder.averagePool(x, window, { stride });
    return channelsOf(y) === filters ? y : builder.conv(y, filters, 1, { activation, name: "transition" });
  },
};

function buildBranch(
  builder: GraphBuilder,
  x: Value,
  { kernel, stride, activation }: BlockPlan,
  branch: BranchKind,
  width: number,
): Value {
  const filters = roundTo(width, 4);
  if (branch === "convolution") return builder.conv(x, filters, kernel, { stride, activation });
  if (branch === "depthwise") return builder.depthwise(x, kernel, { stride, activation });
  const reduced = stride === 1 ? x : builder.maxPool(x, 2, { stride });
  if (branch === "pointwise") return builder.conv(reduced, filters, 1, { activation, name: "pointwise" });
  if (branch === "activation") return builder.activate(reduced, activation === "none" ? "relu" : activation);
  if (branch === "magnitude") return builder.unary("ABS", reduced);
  if (branch === "scale") return builder.mul(reduced, builder.scalar(0.5), { name: "scale" });
  return reduced;
}

/** The nearest positive multiple of `unit`. */
export function roundTo(value: number, unit: number): number {
  return Math.max(Math.round(value / unit), 1) * unit;
}

function channelsOf(x: Value): number {
  return x.shape[3]!;
}

function groupCounts(channels: number): number[] {
  return [2, 4, 8].filter((groups) => channels % (4 * groups) === 0);
}

function pickShare(options: readonly number[], share: number): number {
  return options[Math.floor(share * options.length)] ?? 1;
}
