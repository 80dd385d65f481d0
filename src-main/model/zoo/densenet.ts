import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { preactivate } from "./preactivation.ts";
import { buildPaddedStem } from "./preresnet.ts";
import { classify } from "./resnet.ts";

/** Channels that each layer adds. */
const growth = 32;

/** Layers of each dense block (table 1 of the paper). */
const depths: Record<string, readonly number[]> = {
  densenet121: [6, 12, 24, 16],
  densenet169: [6, 12, 32, 32],
};

function buildLayer(builder: GraphBuilder, x: Value): Value {
  const y = builder.conv(preactivate(builder, x), 4 * growth, 1, { activation: "relu", name: "conv1" });
  return builder.concat([x, builder.conv(y, growth, 3, { padding: 1, bias: false, name: "conv2" })]);
}

/** Halves channels and image; the 2×2 pool of stride 2 is written as one of stride 1 and a subsampling. */
function buildTransition(builder: GraphBuilder, x: Value): Value {
  const y = builder.conv(preactivate(builder, x), x.shape[3]! / 2, 1, { bias: false, name: "conv" });
  const pooled = builder.averagePool(y, 2, { stride: 1, padding: "valid", name: "pool" });
  return builder.averagePool(pooled, 1, { stride: 2, padding: "valid", name: "subsample" });
}

function buildDensenet(name: string, blocks: readonly number[]): Graph {
  const builder = new GraphBuilder(name);
  let x = buildPaddedStem(builder, 2 * growth);
  blocks.forEach((depth, block) => {
    if (block > 0) x = builder.within(`transition${block}`, () => buildTransition(builder, x));
    builder.within(`block${block + 1}`, () => {
      for (let layer = 1; layer <= depth; layer++)
        x = builder.within(`layer${layer}`, () => buildLayer(builder, x));
    });
  });
  return classify(builder, preactivate(builder, x));
}

/** DenseNets with bottlenecks and compression (DenseNet-BC) of growth rate 32. */
export const densenet: ZooFamily = {
  family: "densenet",
  paper: "Huang et al. 2017, Densely Connected Convolutional Networks, arXiv 1608.06993",
  networks: Object.fromEntries(
    Object.entries(depths).map(([name, blocks]) => [name, () => buildDensenet(name, blocks)]),
  ),
};
