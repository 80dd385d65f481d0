import { describe, expect, test } from "vitest";
import { buildCanary, canaryName } from "../../src-main/model/canary.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { estimateFileBytes } from "../../src-main/model/fileSize.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { blockKinds } from "../../src-main/model/searchBlocks.ts";
import { sampleNetwork, sampleNetworks } from "../../src-main/model/searchSpace.ts";
import type { SampledNetwork } from "../../src-main/model/searchSpace.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";

/** What the published synthetic set (arXiv 2210.02620) has at 5, 50 and 95 %. */
const published = { flops: [0.56e9, 1.5e9, 3.9e9], bytes: [9.4e6, 17e6, 41e6] };

function quantilesOf(values: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [0.05, 0.5, 0.95].map((share) => sorted[Math.round(share * (sorted.length - 1))]!);
}

function farthestFactor(values: number[], wanted: number[]): number {
  return Math.max(
    ...quantilesOf(values).map((value, index) => Math.exp(Math.abs(Math.log(value / wanted[index]!)))),
  );
}

function expectPublishedSpread(networks: Pick<SampledNetwork, "flops" | "bytes">[], factor: number): void {
  const flops = networks.map((network) => network.flops);
  const bytes = networks.map((network) => network.bytes);
  expect(farthestFactor(flops, published.flops)).toBeLessThan(factor);
  expect(farthestFactor(bytes, published.bytes)).toBeLessThan(factor);
}

const two = [...sampleNetworks({ count: 200, seed: 5 })];

describe("sampled networks", () => {
  test("200 spread roughly like the published synthetic set", () => {
    expectPublishedSpread(two, 1.5);
  });

  test("1,000 of another seed spread like it more closely", () => {
    // Only the figures are kept: the graphs of 1,000 networks are of no use here.
    const sizes = [...sampleNetworks({ count: 1_000, seed: 1 })].map(({ flops, bytes }) => ({
      flops,
      bytes,
    }));
    expectPublishedSpread(sizes, 1.2);
  });

  test("five families, each at least one in twenty, none more than half, all over the range of FLOPs", () => {
    const families = Map.groupBy(two, (network) => network.family);
    expect([...families.keys()].sort()).toEqual(
      ["bottleneck", "convolution", "grouped", "separable", "split"].map((kind) => `sampled-${kind}`),
    );
    for (const members of families.values()) {
      expect(members.length).toBeGreaterThanOrEqual(0.05 * two.length);
      expect(members.length).toBeLessThanOrEqual(0.5 * two.length);
      const median = quantilesOf(members.map((member) => member.flops))[1]!;
      expect(Math.abs(Math.log(median / published.flops[1]!))).toBeLessThan(Math.log(2));
    }
  });

  test("names are unique over seeds and indices, and a network does not depend on how many are drawn", () => {
    const names = new Set(two.map((network) => network.name));
    expect(names.size).toBe(two.length);
    expect(names.has("nas-s5-0007")).toBe(true);
    expect([...sampleNetworks({ count: 3, seed: 6 })].map((network) => network.name)).toEqual([
      "nas-s6-0000",
      "nas-s6-0001",
      "nas-s6-0002",
    ]);
    expect(sampleNetwork(5, 7)).toEqual(two[7]);
  });

  test("the same seed writes the same bytes, another seed another network", () => {
    const [first, again] = [writeTflite(sampleNetwork(5, 3).graph), writeTflite(two[3]!.graph)];
    expect(Buffer.compare(first, again)).toBe(0);
    const structures = new Set(
      two.map(({ graph }) => JSON.stringify(mainSubgraph(graph).tensors.map((tensor) => tensor.shape))),
    );
    expect(structures.size).toBe(two.length);
    expect(
      structures.has(JSON.stringify(mainSubgraph(sampleNetwork(6, 0).graph).tensors.map((t) => t.shape))),
    ).toBe(false);
  });

  test("every kind of block, op and choice of the space appears", () => {
    const names = two.flatMap(({ graph }) => mainSubgraph(graph).tensors.map((tensor) => tensor.name));
    for (const kind of blockKinds) expect(names.some((name) => name.includes(`_${kind}/`))).toBe(true);
    expect(names.some((name) => name.includes("/squeeze_excite/"))).toBe(true);
    const types = new Set(two.flatMap(({ graph }) => mainSubgraph(graph).ops.map((op) => op.type)));
    expect([...types].sort()).toEqual(
      [
        ...[
          "ABS",
          "ADD",
          "AVERAGE_POOL_2D",
          "CONCATENATION",
          "CONV_2D",
          "DEPTHWISE_CONV_2D",
          "FULLY_CONNECTED",
        ],
        ...["HARD_SWISH", "LOGISTIC", "MAX_POOL_2D", "MEAN", "MUL", "RELU", "RELU6", "RESHAPE", "SPLIT"],
      ].sort(),
    );
    const kernels = new Set<string>();
    for (const { graph } of two)
      for (const op of mainSubgraph(graph).ops) {
        if (!op.type.includes("CONV_2D")) continue;
        const filter = mainSubgraph(graph).tensors[op.inputs[1]!]!;
        kernels.add(`${op.type} ${filter.shape[1]} stride ${op.attributes["strideH"]}`);
      }
    for (const type of ["CONV_2D", "DEPTHWISE_CONV_2D"])
      for (const kernel of [3, 5, 7])
        for (const stride of [1, 2]) expect(kernels).toContain(`${type} ${kernel} stride ${stride}`);
  });

  test("each takes a 224×224 image, halves it four to six times and gives 1,000 scores", () => {
    for (const { graph } of two) {
      const { tensors, inputs, outputs, ops } = mainSubgraph(graph);
      expect(inputs.map((index) => tensors[index]!.shape)).toEqual([[1, 224, 224, 3]]);
      expect(outputs.map((index) => tensors[index]!.shape)).toEqual([[1, 1000]]);
      const last = ops.findLast((op) => op.type === "CONV_2D")!;
      expect([14, 7, 4]).toContain(tensors[last.outputs[0]!]!.shape[1]);
      // Every tensor but the outputs is read by someone: nothing is built for nothing.
      const read = new Set(ops.flatMap((op) => op.inputs));
      expect(tensors.filter((_, index) => !read.has(index) && !outputs.includes(index))).toEqual([]);
    }
  });

  test("the stated figures are the graph's, and the estimated size is the file's within 1 %", () => {
    for (const { graph, flops, params, bytes } of two.slice(0, 12)) {
      const cost = costGraph(graph);
      expect([flops, params]).toEqual([cost.flops, cost.params]);
      const length = writeTflite(graph).length;
      expect(Math.abs(bytes / length - 1)).toBeLessThan(0.01);
    }
  });

  test("a seed or index that is none is refused", () => {
    expect(() => sampleNetwork(1.5, 0)).toThrow("integer seed and index");
    expect(() => sampleNetwork(1, -1)).toThrow("integer seed and index");
  });
});

test("the canary is small, always the same, and touches more than a core's caches", () => {
  const graph = buildCanary();
  expect(graph.name).toBe(canaryName);
  expect(buildCanary()).toEqual(graph);
  const cost = costGraph(graph);
  expect(cost.flops).toBeGreaterThan(8e6);
  expect(cost.flops).toBeLessThan(12.5e6);
  expect(cost.bytes).toBeGreaterThan(8e6);
  expect(Math.abs(estimateFileBytes(graph) / writeTflite(graph).length - 1)).toBeLessThan(0.01);
});
