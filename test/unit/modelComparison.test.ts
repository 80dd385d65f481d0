import { describe, expect, it } from "vitest";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";
import { chooseLevel, foldGraph } from "../../src-renderer/charts/graphFolding.ts";
import { describeFolds, tellWindow } from "../../src-renderer/charts/graphHeat.ts";
import { compareParts, pairOps, type ComparedModel } from "../../src-renderer/charts/modelComparison.ts";
import { linkOps } from "../../src-renderer/charts/opGraph.ts";

function open(name: string): ComparedModel {
  return { detail: inspectGraph(findZooNetwork(name)!.build(), name, 1), times: null };
}

const [small, large, mobile] = ["resnet10", "resnet18", "mobilenetv3_small_w1"].map(open) as [
  ComparedModel,
  ComparedModel,
  ComparedModel,
];

describe("two networks, part by part", () => {
  it.each(["class", "stage", "both"] as const)("add up to the networks by %s", (by) => {
    const parts = compareParts(small, mobile, by);
    for (const [side, { detail }] of [
      ["a", small],
      ["b", mobile],
    ] as const)
      for (const quantity of ["flops", "params", "bytes"] as const) {
        const sum = parts.reduce((total, part) => total + (part.quantities[quantity][side] ?? NaN), 0);
        expect(sum).toBe(detail.ops.reduce((total, op) => total + (op[quantity] ?? NaN), 0));
      }
    expect(parts.every(({ quantities }) => quantities.measured.a === null)).toBe(true);
  });

  it("a class that one of them lacks is nothing there", () => {
    const parts = compareParts(small, mobile, "class");
    const depthwise = parts.find(({ key }) => key === "Depthwise convolution 3×3")!;
    expect(depthwise.quantities.ops).toEqual({ a: 0, b: 3 });
    expect(parts.map(({ key }) => key)).toContain("Convolution 7×7");
  });

  it("stages are resolutions: the larger network repeats blocks in each but the stem's", () => {
    const stages = compareParts(small, large, "stage").map(({ key, quantities }) => [key, quantities.ops]);
    expect(stages).toEqual([
      ["1/2", { a: 1, b: 1 }],
      ["1/4", { a: 4, b: 7 }],
      ["1/8", { a: 4, b: 7 }],
      ["1/16", { a: 4, b: 7 }],
      ["1/32", { a: 4, b: 7 }],
      ["no picture", { a: 2, b: 2 }],
    ]);
  });
});

describe("two networks, op by op", () => {
  const pairs = pairOps(small, large);

  it("lists every op of each once, in order, paired with one of its class", () => {
    expect(pairs.flatMap(({ a }) => a?.index ?? [])).toEqual(small.detail.ops.map(({ index }) => index));
    expect(pairs.flatMap(({ b }) => b?.index ?? []).toSorted((a, b) => a - b)).toEqual(
      large.detail.ops.map(({ index }) => index),
    );
    for (const { a, b } of pairs) if (a && b) expect([a.op, tellWindow(a)]).toEqual([b.op, tellWindow(b)]);
  });

  it("all of the smaller one have a counterpart in the deeper one, with the same result", () => {
    expect(pairs.filter(({ b }) => b === null)).toEqual([]);
    expect(pairs.filter(({ a }) => a === null)).toHaveLength(
      large.detail.ops.length - small.detail.ops.length,
    );
    for (const { a, b } of pairs) if (a && b) expect(a.outputs).toEqual(b.outputs);
  });

  it("a network is the same as itself", () => {
    for (const { a, b } of pairOps(mobile, mobile)) expect(a).toBe(b);
  });
});

describe("heat of a graph", () => {
  const graph = linkOps(mobile.detail);
  const levels = foldGraph(graph);

  it("shares add up to the whole, the strongest node has strength 1, a label tells shape and cost", () => {
    const drawn = describeFolds(graph, levels[0]!.folds, { by: "flops" });
    expect(drawn.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1, 9);
    expect(Math.max(...drawn.map(({ strength }) => strength))).toBe(1);
    const stem = drawn.find(({ number }) => number === "#0")!;
    expect(stem).toMatchObject({ title: "CONV_2D", window: "3×3 /2", shape: "1×112×112×16" });
    expect(stem.label).toMatch(/^CONV_2D #0, 3×3 \/2, 1×112×112×16, 10\.8 MFLOPs/);
  });

  it("by time only where there is one: an op fused into another has none of its own", () => {
    const times = new Map([
      [0, 3],
      [5, 1],
    ]);
    const drawn = describeFolds(graph, levels[0]!.folds, { by: "measured", times });
    const timed = drawn.filter(({ share }) => share !== null);
    expect(timed.map(({ number, share }) => [number, share])).toEqual([
      ["#0", 0.75],
      ["#5", 0.25],
    ]);
    expect(drawn.find(({ number }) => number === "#1")!.value).toBe("no time of its own");
  });

  it("coarser levels keep the sum", () => {
    for (const { folds } of [levels[0]!, levels.at(-1)!, levels[chooseLevel(levels, 60)]!]) {
      const drawn = describeFolds(graph, folds, { by: "bytes" });
      expect(drawn.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1, 9);
    }
  });
});
