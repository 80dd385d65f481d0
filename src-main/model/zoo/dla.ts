import { GraphBuilder } from "../builder.ts";
import type { Value } from "../graphAssembler.ts";
import type { Graph } from "../graph.ts";
import type { ZooFamily } from "./family.ts";
import { buildShortcut } from "./resnet.ts";

/** Stages of DLA-46-C (table 1 of the paper): channels, levels of the tree, whether its root sees the stage's input. */
const stages = [
  { filters: 64, levels: 1, seesInput: false },
  { filters: 64, levels: 2, seesInput: true },
  { filters: 128, levels: 2, seesInput: true },
  { filters: 256, levels: 1, seesInput: true },
];

/** A bottleneck of half the channels; `shortcut` is what its output is added to. */
function buildBlock(
  builder: GraphBuilder,
  x: Value,
  shortcut: () => Value,
  filters: number,
  stride: 1 | 2,
): Value {
  let y = builder.conv(x, filters / 2, 1, { activation: "relu", name: "conv1" });
  y = builder.conv(y, filters / 2, 3, { stride, activation: "relu", name: "conv2" });
  y = builder.conv(y, filters, 1, { name: "conv3" });
  return builder.add(y, shortcut(), { activation: "relu" });
}

/**
 * Hierarchical deep aggregation (figure 3 of the paper): two subtrees, the second of which ends in a root that joins both
 * and everything in `children`. `bottom` is the input at the tree's resolution, built when it is first asked for, as the converter
 * wrote it: on a GPU the addition joins the branch that ends last.
 */
function buildTree(
  builder: GraphBuilder,
  x: Value,
  bottom: () => Value,
  tree: { filters: number; levels: number; stride: 1 | 2; children: readonly (() => Value)[] },
): Value {
  const { filters, levels, stride, children } = tree;
  if (levels > 1) {
    const first = builder.within("tree1", () =>
      buildTree(builder, x, bottom, { filters, levels: levels - 1, stride, children: [] }),
    );
    return builder.within("tree2", () =>
      buildTree(builder, first, () => first, {
        filters,
        levels: levels - 1,
        stride: 1,
        children: [...children, () => first],
      }),
    );
  }
  const project = () => buildShortcut(builder, bottom(), { filters, stride: 1 });
  const first = builder.within("block1", () => buildBlock(builder, x, project, filters, stride));
  const second = builder.within("block2", () => buildBlock(builder, first, () => first, filters, 1));
  const joined = builder.concat([second, first, ...children.map((child) => child())]);
  return builder.conv(joined, filters, 1, {
    activation: "relu",
    name: "root",
  });
}

function buildDla46c(): Graph {
  const builder = new GraphBuilder("dla46c");
  const relu = { activation: "relu" } as const;
  let x = builder.conv(builder.input([1, 224, 224, 3]), 16, 7, { ...relu, name: "stem1" });
  x = builder.conv(x, 16, 3, { ...relu, name: "stem2" });
  x = builder.conv(x, 32, 3, { ...relu, stride: 2, name: "stem3" });
  stages.forEach(({ filters, levels, seesInput }, stage) => {
    x = builder.within(`stage${stage + 1}`, () => {
      const input = x;
      let pooled: Value | null = null;
      const bottom = () => (pooled ??= builder.maxPool(input, 2, { padding: "valid", name: "pool" }));
      const children = seesInput ? [bottom] : [];
      return buildTree(builder, x, bottom, { filters, levels, stride: 2, children });
    });
  });
  x = builder.averagePool(x, 7, { stride: 1, padding: "valid", name: "final_pool" });
  return builder.build(builder.reshape(builder.conv(x, 1000, 1, { name: "classifier" }), [1, 1000]));
}

/** Deep layer aggregation, compact. */
export const dla: ZooFamily = {
  family: "dla",
  paper: "Yu et al. 2018, Deep Layer Aggregation, arXiv 1707.06484",
  networks: { dla46c: buildDla46c },
};
