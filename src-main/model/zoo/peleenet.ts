import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildStages, channelsOf } from "./mobileBlocks.ts";
import { classify } from "./resnet.ts";

/** Channels each of the two ways of a dense layer adds. */
const growth = 16;

/** Dense layers of each stage and the width of their bottlenecks in multiples of the growth (table 1 of the paper). */
const stages = [
  { layers: 3, bottleneck: 1 },
  { layers: 4, bottleneck: 2 },
  { layers: 8, bottleneck: 4 },
  { layers: 6, bottleneck: 4 },
];

/** Two convolutions that halve the image in two ways, strided and pooled, side by side (figure 3 of the paper). */
function buildStem(builder: GraphBuilder): Value {
  return builder.within("stem", () => {
    const options = { activation: "relu" } as const;
    const x = builder.conv(builder.input([1, 224, 224, 3]), 32, 3, { ...options, stride: 2, name: "conv1" });
    const reduced = builder.conv(x, 16, 1, { ...options, name: "reduce" });
    const strided = builder.conv(reduced, 32, 3, { ...options, stride: 2, name: "conv2" });
    const pooled = builder.maxPool(x, 2, { padding: "valid" });
    return builder.conv(builder.concat([strided, pooled]), 32, 1, { ...options, name: "conv3" });
  });
}

/** A two-way dense layer: fields of 3×3 and of 5×5 are added to the input's channels (figure 2 of the paper). */
function buildDenseLayer(builder: GraphBuilder, x: Value, bottleneck: number): Value {
  const convolve = (input: Value, filters: number, kernel: number, name: string) =>
    builder.conv(input, filters, kernel, { activation: "relu", name });
  const near = convolve(convolve(x, bottleneck * growth, 1, "near/reduce"), growth, 3, "near/conv1");
  let far = convolve(x, bottleneck * growth, 1, "far/reduce");
  far = convolve(far, growth, 3, "far/conv1");
  far = convolve(far, growth, 3, "far/conv2");
  return builder.concat([x, near, far]);
}

/**
 * A 1×1 convolution that keeps the channels and an average pool that halves the image, written as the published
 * measurements have it: windows of 2×2 at every place, then every second of them.
 */
function buildTransition(builder: GraphBuilder, x: Value): Value {
  const y = builder.conv(x, channelsOf(x), 1, { activation: "relu", name: "transition" });
  const averaged = builder.averagePool(y, 2, { stride: 1, padding: "valid", name: "average" });
  return builder.averagePool(averaged, 1, { stride: 2, padding: "valid", name: "subsample" });
}

function buildPeleenet(name: string): Graph {
  const builder = new GraphBuilder(name);
  const units = stages.map(({ layers, bottleneck }, stage) =>
    Array.from({ length: layers }, (_, layer) => ({ bottleneck, halves: stage > 0 && layer === 0 })),
  );
  const x = buildStages(builder, buildStem(builder), units, (input, { bottleneck, halves }) =>
    buildDenseLayer(builder, halves ? buildTransition(builder, input) : input, bottleneck),
  );
  return classify(builder, builder.conv(x, channelsOf(x), 1, { activation: "relu", name: "features" }));
}

/** PeleeNet, a DenseNet for phones. */
export const peleenet: ZooFamily = {
  family: "peleenet",
  paper: "Wang et al. 2018, Pelee: A Real-Time Object Detection System on Mobile Devices, arXiv 1804.06882",
  networks: { peleenet: () => buildPeleenet("peleenet") },
};
