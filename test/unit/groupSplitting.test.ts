import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import type { ConstantData, Graph, Quantization } from "../../src-main/model/graph.ts";
import { countGroups, splitGroups } from "../../src-main/model/groupSplitting.ts";

function buildGrouped(groups: number): Graph {
  const builder = new GraphBuilder("grouped");
  const x = builder.conv(builder.input([1, 6, 6, 8]), 12, 3, {
    groups,
    stride: 2,
    activation: "relu",
    name: "grouped",
  });
  return builder.build(builder.conv(x, 5, 1, { name: "after" }));
}

/** The constants of the tensor at a place among the inputs of each convolution. */
function listConstants(graph: Graph, place: number): (ConstantData | null)[] {
  const { ops, tensors } = mainSubgraph(graph);
  return ops.filter(({ type }) => type === "CONV_2D").map(({ inputs }) => tensors[inputs[place]!]!.data);
}

describe("splitting grouped convolutions", () => {
  test("counts groups of convolutions only", () => {
    const main = mainSubgraph(buildGrouped(4));
    expect(main.ops.map((op) => countGroups(main, op))).toEqual([4, 1]);
  });

  test("makes SPLIT, one convolution a group and CONCATENATION of the same cost", () => {
    const graph = buildGrouped(4);
    const split = splitGroups(graph);
    const { ops, tensors, outputs } = mainSubgraph(split);
    expect(ops.map(({ type }) => type)).toEqual([
      "SPLIT",
      ...Array.from({ length: 4 }, () => "CONV_2D"),
      "CONCATENATION",
      "CONV_2D",
    ]);
    expect(outputs).toEqual(mainSubgraph(graph).outputs);
    const [, second] = ops.filter(({ type }) => type === "CONV_2D");
    expect(second!.version).toBe(1);
    expect(second!.attributes).toEqual(mainSubgraph(graph).ops[0]!.attributes);
    expect(second!.inputs.map((index) => tensors[index]!.shape)).toEqual([[1, 6, 6, 2], [3, 3, 3, 2], [3]]);
    expect(second!.outputs.map((index) => tensors[index]!.shape)).toEqual([[1, 3, 3, 3]]);
    expect(costGraph(split).flops).toBe(costGraph(graph).flops);
    expect(costGraph(split).params).toBe(costGraph(graph).params);
  });

  test("leaves the graph it was given and networks without groups as they are", () => {
    const graph = buildGrouped(4);
    const before = structuredClone(graph);
    splitGroups(graph);
    expect(graph).toEqual(before);
    const plain = buildGrouped(1);
    expect(splitGroups(plain)).toEqual(plain);
  });

  test("draws other weights for each group", () => {
    const seeds = listConstants(splitGroups(buildGrouped(4)), 1).map(
      (data) => data?.kind === "random" && data.seed,
    );
    expect(new Set(seeds).size).toBe(5);
  });

  test("shares out stored weights and scales by output channel", () => {
    const graph = buildGrouped(2);
    const { ops, tensors } = mainSubgraph(graph);
    const [filter, bias] = ops[0]!.inputs.slice(1).map((index) => tensors[index]!) as [
      (typeof tensors)[0],
      (typeof tensors)[0],
    ];
    const numbers = Array.from({ length: 12 }, (_, index) => index);
    filter.data = {
      kind: "bytes",
      bytes: Uint8Array.from({ length: 12 * 9 * 4 * 4 }, (_, byte) => byte / 144),
    };
    filter.quantization = { axis: 0, scales: numbers, zeroPoints: numbers.map(() => 0), min: [], max: [] };
    bias.data = { kind: "values", values: numbers };
    const split = splitGroups(graph);
    expect(listConstants(split, 2).slice(0, 2)).toEqual([
      { kind: "values", values: [0, 1, 2, 3, 4, 5] },
      { kind: "values", values: [6, 7, 8, 9, 10, 11] },
    ]);
    const filters = mainSubgraph(split)
      .ops.slice(1, 3)
      .map(({ inputs }) => mainSubgraph(split).tensors[inputs[1]!]!);
    expect(filters.map(({ quantization }) => (quantization as Quantization).scales)).toEqual([
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10, 11],
    ]);
    const bytes = filters.map(({ data }) => (data?.kind === "bytes" ? data.bytes : new Uint8Array()));
    expect(bytes.map((part) => [part.length, part[0], part.at(-1)])).toEqual([
      [864, 0, 5],
      [864, 6, 11],
    ]);
  });
});
