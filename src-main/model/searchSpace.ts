import { GraphBuilder } from "./builder.ts";
import { costGraph } from "./cost.ts";
import type { Activation } from "./elementwiseBuilder.ts";
import { estimateFileBytes } from "./fileSize.ts";
import type { Graph } from "./graph.ts";
import { createRandom, deriveSeed } from "./random.ts";
import type { Random } from "./random.ts";
import { activationWeights, blockKinds, buildBlock, drawBlock, roundTo } from "./searchBlocks.ts";
import type { BlockKind, BlockPlan } from "./searchBlocks.ts";
import { drawBudget, fitBudget } from "./searchBudget.ts";
import type { FittedNetwork, Scale } from "./searchBudget.ts";

/** A network of the search space. */
export interface SampledNetwork {
  graph: Graph;
  /** `nas-s<seed>-<index>`, unique by seed and index. */
  name: string;
  /** `sampled-` and the kind of block that takes most of the FLOPs. */
  family: string;
  flops: number;
  params: number;
  /** Estimated size of the .tflite file. */
  bytes: number;
}

/** Everything about a network but the scale of its channels. */
interface NetworkPlan {
  stem: { filters: number; kernel: number; stride: 1 | 2; activation: Activation };
  blocks: BlockPlan[];
  head: { filters: number; activation: Activation; pool: "mean" | "average-pool" };
  /** Channels are multiples of this. */
  unit: number;
}

/**
 * Network number `index` of the search space under `seed`; it depends on nothing else. The space is that of operation-wise
 * latency prediction (Li, Paolieri, Golubchik 2022, arXiv 2210.02620): 224×224×3 images, a stem, nine or more blocks of
 * which four or five halve the resolution, a head. Each network first draws a budget of FLOPs and file size, spread like
 * the published synthetic networks, and its channels are scaled to meet it, so that every family covers the same range.
 */
export function sampleNetwork(seed: number, index: number): SampledNetwork {
  if (!Number.isInteger(seed) || !Number.isInteger(index) || index < 0)
    throw new Error(`A sampled network needs an integer seed and index, not ${seed} and ${index}`);
  const name = `nas-s${seed}-${String(index).padStart(4, "0")}`;
  const networkSeed = deriveSeed(seed, "network", index);
  const budget = drawBudget(createRandom(deriveSeed(networkSeed, "budget")));
  let best: FittedNetwork<BuiltNetwork> | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const plan = drawPlan(createRandom(deriveSeed(networkSeed, "plan", attempt)));
    const fitted = fitBudget((scale) => buildNetwork(name, networkSeed, plan, scale), budget);
    if (!best || fitted.miss < best.miss) best = fitted;
    if (best.miss < tolerance) break;
  }
  const { graph, family, size } = best!.network;
  return { graph, name, family, ...size };
}

/** The first `count` networks under a seed, one at a time. */
export function* sampleNetworks(request: { count: number; seed: number }): Generator<SampledNetwork> {
  for (let index = 0; index < request.count; index++) yield sampleNetwork(request.seed, index);
}

// A structure that misses its budget by more than the tolerance cannot carry it with plausible channels: another is drawn.
const tolerance = 0.25;
const attempts = 4;

/**
 * Kinds that can give a network its character, with how often they are meant to. Pooling spends too little; convolution
 * dominates many networks where it is not meant to, depthwise separable convolution few.
 */
const themes: readonly (readonly [BlockKind, number])[] = [
  ["convolution", 2],
  ["grouped", 3],
  ["separable", 7],
  ["bottleneck", 4],
  ["split", 5],
];
const themeShare = 0.6;

function drawPlan(random: Random): NetworkPlan {
  const usual = random.pickWeighted(activationWeights);
  const theme = random.chance(0.85) ? random.pickWeighted(themes) : null;
  const stemStride = random.chance(0.75) ? 2 : 1;
  const blocks = drawStrides(random, stemStride).map((stride) => {
    const kind = theme && random.chance(themeShare) ? theme : random.pick(blockKinds);
    return drawBlock(random, kind, stride, usual);
  });
  return {
    stem: {
      filters: random.pick([12, 16, 24, 32]),
      kernel: random.pickWeighted([
        [3, 6],
        [5, 1],
        [7, 1],
      ]),
      stride: stemStride,
      activation: usual === "none" ? "relu" : usual,
    },
    blocks,
    head: {
      filters: roundTo(700 * Math.exp(0.45 * random.normal()), 16),
      activation: usual,
      pool: random.chance(0.7) ? "mean" : "average-pool",
    },
    unit: random.pickWeighted([
      [8, 6],
      [4, 2],
      [16, 2],
    ]),
  };
}

function drawStrides(random: Random, stemStride: 1 | 2): (1 | 2)[] {
  const halvings = stemStride === 1 ? 5 : random.pick([4, 4, 4, 5]);
  const plain = random.int(4, 8);
  // A second block at full resolution would take the budget of all others, so the first one reduces it.
  const fixed: 2[] = stemStride === 1 ? [2] : [];
  const rest = [
    ...Array.from({ length: halvings - fixed.length }, () => 2 as const),
    ...Array.from({ length: plain }, () => 1 as const),
  ];
  return [...fixed, ...random.shuffle(rest)];
}

interface BuiltNetwork {
  graph: Graph;
  family: string;
  size: { flops: number; params: number; bytes: number };
}

function buildNetwork(name: string, seed: number, plan: NetworkPlan, scale: Scale): BuiltNetwork {
  const builder = new GraphBuilder(name, { seed, description: "Sampled by Latency Lab" });
  const { stem, head, unit } = plan;
  const input = builder.input([1, 224, 224, 3]);
  let x = builder.within("stem", () =>
    builder.conv(input, roundTo(stem.filters * scale.width, unit), stem.kernel, {
      stride: stem.stride,
      activation: stem.activation,
    }),
  );
  const ends: { kind: BlockKind; opsBefore: number }[] = [];
  let level = stem.stride === 2 ? 1 : 0;
  plan.blocks.forEach((block, index) => {
    if (block.stride === 2) level++;
    const filters =
      block.width === null ? x.shape[3]! : roundTo(block.width * usualWidth(level, scale), unit);
    ends.push({ kind: block.kind, opsBefore: builder.opCount });
    x = builder.within(`block${index + 1}_${block.kind}`, () => buildBlock(builder, x, block, filters));
  });
  ends.push({ kind: "pooling", opsBefore: builder.opCount });
  const graph = builder.build(builder.within("head", () => buildHead(builder, x, head)));
  const cost = costGraph(graph);
  const spent = new Map<BlockKind, number>();
  cost.ops.forEach((op, index) => {
    const block = ends.findLast((end) => end.opsBefore <= index);
    if (block) spent.set(block.kind, (spent.get(block.kind) ?? 0) + (op.flops ?? 0));
  });
  const dominant = themes
    .map(([kind]) => kind)
    .reduce((best, kind) => ((spent.get(kind) ?? 0) > (spent.get(best) ?? 0) ? kind : best));
  return {
    graph,
    family: `sampled-${dominant}`,
    size: { flops: cost.flops, params: cost.params, bytes: estimateFileBytes(graph) },
  };
}

/** Channels at a level (halvings of the input so far): about 1.6 times as many after each halving, before scaling. */
function usualWidth(level: number, { width, growth }: Scale): number {
  return 18 * width * 1.6 ** (level - 1) * growth ** ((level - 3) / 2);
}

function buildHead(
  builder: GraphBuilder,
  x: ReturnType<GraphBuilder["input"]>,
  { filters, activation, pool }: NetworkPlan["head"],
): ReturnType<GraphBuilder["input"]> {
  const y = builder.conv(x, filters, 1, { activation, name: "features" });
  const pooled =
    pool === "mean"
      ? builder.globalAveragePool(y)
      : builder.reshape(builder.averagePool(y, [y.shape[1]!, y.shape[2]!], { padding: "valid", stride: 1 }), [
          1,
          filters,
        ]);
  return builder.fullyConnected(pooled, 1000, { name: "classifier" });
}
