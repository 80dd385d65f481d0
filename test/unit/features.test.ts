import { describe, expect, it } from "vitest";
import { chooseKernel } from "../../src-main/kernels/cpu.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { costOp } from "../../src-main/model/cost.ts";
import { mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import { createFacts, readFacts } from "../../src-main/predict/facts.ts";
import {
  bytesColumn,
  flopsColumn,
  listFeatures,
  relatedClasses,
  writeFeatures,
} from "../../src-main/predict/features.ts";

function readNamed(graph: Graph, index: number, kernel: string): Record<string, number> {
  const subgraph = mainSubgraph(graph);
  const facts = createFacts();
  expect(readFacts(facts, subgraph, subgraph.ops[index]!)).toBe(true);
  const features = listFeatures(kernel);
  const row = new Float64Array(features.length);
  writeFeatures(features, facts, row, 0);
  return Object.fromEntries(features.map((feature, column) => [feature.name, row[column]!]));
}

describe("features", () => {
  it("of a strided convolution are what one counts by hand", () => {
    const b = new GraphBuilder("net");
    const graph = b.build(b.conv(b.input([2, 9, 13, 5]), 12, [3, 7], { stride: 2 }));
    const named = readNamed(graph, 0, "conv");
    // SAME padding: 9 × 13 becomes 5 × 7; batch 2.
    const pixels = 2 * 5 * 7;
    const depth = 3 * 7 * 5;
    expect(named["FLOPs"]).toBe(2 * pixels * 12 * depth);
    expect(named["output pixels"]).toBe(pixels);
    expect(named["depth of a product"]).toBe(depth);
    expect(named["gathered patches"]).toBe(pixels * depth);
    expect(named["input channels"]).toBe(5);
    expect(named["output channels"]).toBe(12);
    expect(named["kernel area"]).toBe(21);
    expect(named["stride"]).toBe(2);
    expect(named["weights"]).toBe(4 * (12 * depth + 12));
    expect(named["bytes moved"]).toBe(4 * (2 * 9 * 13 * 5 + pixels * 12 + 12 * depth + 12));
    expect(named["arithmetic intensity"]).toBeCloseTo(named["FLOPs"]! / named["bytes moved"]!, 12);
    // 12 channels fill two vectors of 8: 4 of 16 lanes are idle.
    expect(named["channels beyond a multiple of 8"]).toBeCloseTo(16 / 12 - 1, 12);
    expect(named["pixels beyond a multiple of 16"]).toBeCloseTo(80 / 70 - 1, 12);
  });

  it("of a grouped convolution see its groups, of a depthwise one its channels", () => {
    const b = new GraphBuilder("net");
    const x = b.input([1, 8, 8, 12]);
    const grouped = b.conv(x, 24, 3, { groups: 4 });
    const graph = b.build(b.depthwise(grouped, 5));
    expect(readNamed(graph, 0, "conv-grouped")).toMatchObject({
      groups: 4,
      "output channels of a group": 6,
      "depth of a product": 9 * 3,
    });
    expect(readNamed(graph, 1, "depthwise")).toMatchObject({
      "kernel area": 25,
      "work per channel": 2 * 64 * 25,
    });
  });

  it("agree with the cost of the op and are finite for every op of sampled networks", () => {
    const facts = createFacts();
    for (let index = 0; index < 60; index++) {
      const subgraph = mainSubgraph(sampleNetwork(11, index).graph);
      for (const op of subgraph.ops) {
        const kernel = chooseKernel(subgraph, op)!.class;
        const features = listFeatures(kernel);
        const row = new Float64Array(features.length);
        expect(readFacts(facts, subgraph, op)).toBe(true);
        writeFeatures(features, facts, row, 0);
        const cost = costOp(subgraph, op);
        expect(row[flopsColumn]).toBe(cost.flops);
        expect(row[bytesColumn]).toBe(cost.bytes);
        expect(row.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
      }
    }
  });

  it("stay finite for shapes with empty dimensions, and refuse what cannot be costed", () => {
    const b = new GraphBuilder("net");
    const graph = b.build(b.add(b.input([1, 4, 4, 4]), b.scalar(1)));
    const subgraph = mainSubgraph(graph);
    for (const tensor of subgraph.tensors) tensor.shape = tensor.shape.map(() => 0);
    for (const kernel of ["conv", "conv-1x1", "conv-grouped", "depthwise", "pool-max", "elementwise-add"])
      expect(Object.values(readNamed(graph, 0, kernel)).every(Number.isFinite)).toBe(true);
    subgraph.ops[0] = { ...subgraph.ops[0]!, type: "WHILE" };
    expect(readFacts(createFacts(), subgraph, subgraph.ops[0])).toBe(false);
  });

  it("are described: one name a column, with unit and reason, work and traffic first", () => {
    const classes = [
      "conv",
      "conv-1x1",
      "conv-grouped",
      "depthwise",
      "pool-avg",
      "elementwise-add",
      "anything",
    ];
    for (const kernel of classes) {
      const features = listFeatures(kernel);
      expect(new Set(features.map((feature) => feature.name)).size).toBe(features.length);
      expect(features[flopsColumn]!.name).toBe("FLOPs");
      expect(features[bytesColumn]!.name).toBe("bytes moved");
      for (const feature of features) {
        expect(feature.unit).not.toBe("");
        expect(feature.reason.length).toBeGreaterThan(15);
      }
    }
  });

  it("relates classes that do alike work", () => {
    expect(relatedClasses("conv-grouped")).toBe(relatedClasses("conv"));
    expect(relatedClasses("activation-tanh")).toBe(relatedClasses("elementwise-add"));
    expect(relatedClasses("concat")).not.toBe(relatedClasses("conv"));
  });
});
