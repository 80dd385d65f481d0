import { GraphBuilder } from "../builder.ts";
import type { Activation } from "../elementwiseBuilder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildDepthwise, buildStages, buildStem, channelsOf, classifyPointwise } from "./mobileBlocks.ts";

/** A row of the paper's table 1: kernel, expanded channels, channels, squeeze-excite, stride. */
type Row = readonly [kernel: 3 | 5, expanded: number, filters: number, squeeze: "SE" | "", stride: 1 | 2];

const stages: readonly (readonly Row[])[] = [
  [[3, 16, 16, "", 1]],
  [
    [3, 48, 24, "", 2],
    [3, 72, 24, "", 1],
  ],
  [
    [5, 72, 40, "SE", 2],
    [5, 120, 40, "SE", 1],
  ],
  [
    [3, 240, 80, "", 2],
    [3, 200, 80, "", 1],
    [3, 184, 80, "", 1],
    [3, 184, 80, "", 1],
    [3, 480, 112, "SE", 1],
    [3, 672, 112, "SE", 1],
  ],
  [
    [5, 672, 160, "SE", 2],
    [5, 960, 160, "", 1],
    [5, 960, 160, "SE", 1],
    [5, 960, 160, "", 1],
    [5, 960, 160, "SE", 1],
  ],
];

/** Half the channels from a 1×1 convolution, the other half from a cheap depthwise convolution of those (section 3.1). */
function buildGhostModule(builder: GraphBuilder, x: Value, filters: number, activation: Activation): Value {
  const main = builder.conv(x, filters / 2, 1, { activation, name: "main" });
  return builder.concat([main, buildDepthwise(builder, main, 3, { activation, name: "cheap" })]);
}

/** Two ghost modules and a shortcut; a depthwise convolution between them halves the image. */
function buildGhostUnit(builder: GraphBuilder, x: Value, row: Row): Value {
  const [kernel, expanded, filters, squeeze, stride] = row;
  let y = builder.within("expand", () => buildGhostModule(builder, x, expanded, "relu"));
  if (stride > 1) y = buildDepthwise(builder, y, kernel, { stride });
  if (squeeze) y = squeezeClipped(builder, y);
  y = builder.within("project", () => buildGhostModule(builder, y, filters, "none"));
  if (stride === 1 && channelsOf(x) === filters) return builder.add(y, x);
  const shortcut = builder.within("shortcut", () =>
    builder.conv(buildDepthwise(builder, x, 3, { stride, activation: "relu" }), filters, 1),
  );
  return builder.add(y, shortcut);
}

/** Squeeze-and-excitation to a quarter whose factors are clipped to [0, 1]; a converter writes that as MINIMUM and RELU. */
function squeezeClipped(builder: GraphBuilder, x: Value): Value {
  return builder.within("squeeze_excite", () => {
    const channels = channelsOf(x);
    let gate = builder.globalAveragePool(x, { keepDims: true, name: "squeeze" });
    gate = builder.conv(gate, Math.floor(channels / 4), 1, { activation: "relu", name: "reduce" });
    gate = builder.conv(gate, channels, 1, { name: "expand" });
    gate = builder.relu(builder.minimum(gate, builder.scalar(1, "one"), "clip"), "gate");
    return builder.mul(x, gate, { name: "scale" });
  });
}

function buildGhostnet(name: string): Graph {
  const builder = new GraphBuilder(name);
  const x = buildStages(builder, buildStem(builder, 16, "relu"), stages, (input, row) =>
    buildGhostUnit(builder, input, row),
  );
  return classifyPointwise(builder, builder.conv(x, 960, 1, { activation: "relu", name: "features" }), {
    hidden: (y) => builder.conv(y, 1280, 1, { activation: "relu", name: "hidden" }),
  });
}

/** GhostNet of width 1. */
export const ghostnet: ZooFamily = {
  family: "ghostnet",
  paper: "Han et al. 2020, GhostNet: More Features from Cheap Operations, arXiv 1911.11907",
  networks: { ghostnet: () => buildGhostnet("ghostnet") },
};
