import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildDepthwise, buildStages, buildStem } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** A harmonic dense block: its layers, growth rate, output channels, and whether the image is halved after it. */
interface HarmonicBlock {
  layers: number;
  growth: number;
  filters: number;
  halves: boolean;
}

interface Plan {
  stem: number;
  /** How many times wider a layer becomes for each further power of two that divides its number. */
  multiplier: number;
  blocks: readonly HarmonicBlock[];
}

// Table 2 of the paper, the forms of depthwise separable convolutions.
const plans: Record<string, Plan> = {
  hardnet39ds: {
    stem: 48,
    multiplier: 1.6,
    blocks: [
      { layers: 4, growth: 16, filters: 96, halves: true },
      { layers: 16, growth: 20, filters: 320, halves: true },
      { layers: 8, growth: 64, filters: 640, halves: true },
      { layers: 4, growth: 160, filters: 1024, halves: false },
    ],
  },
  hardnet68ds: {
    stem: 64,
    multiplier: 1.7,
    blocks: [
      { layers: 8, growth: 14, filters: 128, halves: true },
      { layers: 16, growth: 16, filters: 256, halves: false },
      { layers: 16, growth: 20, filters: 320, halves: true },
      { layers: 16, growth: 40, filters: 640, halves: true },
      { layers: 4, growth: 160, filters: 1024, halves: false },
    ],
  },
};

/**
 * Layer k of a block is joined to the layers k − 2ⁿ for every 2ⁿ that divides k, and is as many times wider (section 3 of
 * the paper): the layers it reads, nearest first (0 is the block's input), and its channels, rounded to an even number.
 */
export function planHarmonicLayer(
  layer: number,
  growth: number,
  multiplier: number,
): { links: number[]; filters: number } {
  const links: number[] = [];
  let filters = growth;
  for (let step = 1; step <= layer && layer % step === 0; step *= 2) {
    links.push(layer - step);
    if (step > 1) filters *= multiplier;
  }
  return { links, filters: Math.floor(Math.floor(filters + 1) / 2) * 2 };
}

function buildHarmonicBlock(
  builder: GraphBuilder,
  x: Value,
  block: HarmonicBlock,
  multiplier: number,
): Value {
  const results = [x];
  for (let layer = 1; layer <= block.layers; layer++) {
    const { links, filters } = planHarmonicLayer(layer, block.growth, multiplier);
    const result = builder.within(`layer${layer}`, () => {
      const input = join(
        builder,
        links.map((link) => results[link]!),
      );
      return buildDepthwise(
        builder,
        builder.conv(input, filters, 1, { activation: "relu6", name: "pointwise" }),
        3,
      );
    });
    results.push(result);
  }
  // Odd layers and the last one leave the block.
  const kept = results.filter((_, layer) => layer % 2 === 1 || layer === block.layers);
  const y = builder.conv(join(builder, kept), block.filters, 1, { activation: "relu6", name: "transition" });
  return block.halves ? buildDepthwise(builder, y, 3, { stride: 2, name: "halve" }) : y;
}

function join(builder: GraphBuilder, values: readonly Value[]): Value {
  return values.length === 1 ? values[0]! : builder.concat(values);
}

function buildHardnet(name: string, { stem, multiplier, blocks }: Plan): Graph {
  const builder = new GraphBuilder(name);
  let x = buildStem(builder, stem / 2, "relu6");
  x = builder.conv(x, stem, 1, { activation: "relu6", name: "stem_pointwise" });
  x = buildDepthwise(builder, x, 3, { stride: 2, name: "stem_halve" });
  const stages = blocks.map((block) => [block]);
  x = buildStages(builder, x, stages, (input, block) =>
    buildHarmonicBlock(builder, input, block, multiplier),
  );
  return classify(builder, x);
}

/** HarDNets of depthwise separable convolutions, 39 and 68 layers. */
export const hardnet: ZooFamily = {
  family: "hardnet",
  paper: "Chao et al. 2019, HarDNet: A Low Memory Traffic Network, arXiv 1909.00948",
  networks: Object.fromEntries(
    Object.entries(plans).map(([name, plan]) => [name, () => buildHardnet(name, plan)]),
  ),
};
