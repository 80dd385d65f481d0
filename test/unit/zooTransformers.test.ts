import { describe, expect, test } from "vitest";
import { countPublishedFlops } from "../../bench/publishedFlops.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { estimateFileBytes } from "../../src-main/model/fileSize.ts";
import { countElements, mainSubgraph } from "../../src-main/model/graph.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { findZooNetwork, listZoo } from "../../src-main/model/zoo/zoo.ts";

/**
 * FLOPs and file size as published for the networks converted from Hugging Face's TensorFlow models (Li, Paolieri, Golubchik
 * 2024, "A Study on Inference Latency for Vision Transformers on Mobile Devices", arXiv 2510.25166); those of 10¹¹ and more
 * are published in six digits.
 */
const published: Record<string, [flops: number, bytes: number]> = {
  "cvt-13": [9138065536, 80138752],
  "cvt-13-384": [32555988096, 80138768],
  "cvt-21": [14364876928, 126719152],
  "cvt-21-384": [49724308608, 126719208],
  "deit-base-distilled-patch16-224": [35319690240, 346402024],
  "deit-base-distilled-patch16-384": [111203e6, 347569384],
  "deit-small-distilled-patch16-224": [9251314176, 88330984],
  "deit-tiny-distilled-patch16-224": [2523524352, 22996456],
  "efficientformer-l1-300": [2590209664, 47395204],
  "efficientformer-l3-300": [7830662656, 123789268],
  "efficientformer-l7-300": [20275010816, 326303660],
  "mit-b0": [907330304, 14436584],
  "mit-b1": [3356067328, 54788716],
  "mit-b2": [6550227584, 99077648],
  "mit-b3": [12294752384, 178751568],
  "mit-b4": [17855589120, 246018768],
  "mit-b5": [23452602752, 328576768],
  "mobilevit-small": [4004278272, 22444092],
  "mobilevit-x-small": [2053513216, 9407608],
  "mobilevit-xx-small": [815858688, 5233012],
  "swin-base-patch4-window12-384": [94209769472, 367604424],
  "swin-base-patch4-window7-224": [30876695552, 355584368],
  "swin-small-patch4-window7-224": [17492851968, 202097272],
  "swin-tiny-patch4-window7-224": [8988622080, 115376476],
  "vit-base-patch16-224-in21k": [35133688320, 343328756],
  "vit-base-patch16-384": [110991e6, 347566068],
  "vit-base-patch32-224-in21k": [8818759680, 349955060],
  "vit-base-patch32-384": [26092697088, 353316852],
};

const built = new Map<string, Graph>();

function build(name: string): Graph {
  const graph = built.get(name) ?? findZooNetwork(name)!.build();
  built.set(name, graph);
  return graph;
}

/** Elements of the trained constants: without the scalars that operators need. */
function countTrained(graph: Graph): number {
  const { tensors } = mainSubgraph(graph);
  return tensors.reduce(
    (sum, { data, shape }) => sum + (data?.kind === "random" ? countElements(shape) : 0),
    0,
  );
}

describe("published facts", () => {
  test.each(Object.entries(published))("%s has the published FLOPs and size", (name, [flops, bytes]) => {
    const graph = build(name);
    const counted = countPublishedFlops(graph);
    expect(flops < 1e11 ? counted : Number(counted.toPrecision(6))).toBe(flops);
    expect(Math.abs(estimateFileBytes(graph) / bytes - 1)).toBeLessThan(0.01);
  });

  test.each(Object.entries(published))(
    "of %s are within 3 % when softmax and arithmetic of elements count too",
    (name, [flops]) => {
      const more = costGraph(build(name)).flops / flops - 1;
      expect(more).toBeGreaterThan(0);
      expect(more).toBeLessThan(0.03);
    },
  );
});

describe("parameters", () => {
  // The counts of the models in PyTorch Image Models; distilled DeiTs without their second classifier (192,000 + 1000 weights).
  test.each([
    ["vit-base-patch16-224", 86567656],
    ["vit-base-patch16-384", 86859496],
    ["vit-base-patch32-384", 88297192],
    ["deit-tiny-distilled-patch16-224", 5910800 - 193000],
    ["deit-small-distilled-patch16-224", 22436432 - 385000],
    ["deit-base-distilled-patch16-224", 87338192 - 769000],
  ])("%s has %i", (name, parameters) => {
    expect(countTrained(build(name))).toBe(parameters);
  });

  // 169 rows of each bias table became 49 × 49 of the pairs of places.
  test.each([
    ["swin-tiny-patch4-window7-224", 28288354, 2 * 3 + 2 * 6 + 6 * 12 + 2 * 24],
    ["swin-small-patch4-window7-224", 49606258, 2 * 3 + 2 * 6 + 18 * 12 + 2 * 24],
    ["swin-base-patch4-window7-224", 87768224, 2 * 4 + 2 * 8 + 18 * 16 + 2 * 32],
  ])("%s has %i and folded bias tables of %i heads", (name, parameters, heads) => {
    expect(countTrained(build(name))).toBe(parameters + heads * (49 ** 2 - 169));
  });

  // Papers and PyTorch Image Models, in millions; batch norms are folded, EfficientFormers lack their second classifier.
  test.each([
    ["mobilevit-xx-small", 1.272, 0.002],
    ["mobilevit-x-small", 2.318, 0.002],
    ["mobilevit-small", 5.579, 0.002],
    ["efficientformer-l1-300", 12.29 - 0.449, 0.002],
    ["efficientformer-l3-300", 31.41 - 0.513, 0.002],
    ["efficientformer-l7-300", 82.23 - 0.769, 0.002],
    ["mit-b0", 3.319 + 0.257, 0.001],
    ["mit-b1", 14.0, 0.03],
    ["mit-b2", 25.4, 0.03],
    ["mit-b3", 45.2, 0.03],
    ["mit-b4", 62.6, 0.03],
    ["mit-b5", 82.0, 0.03],
    ["cvt-13", 19.98, 0.002],
    ["cvt-21", 31.6, 0.003],
  ])("%s has %d million", (name, millions, tolerance) => {
    expect(Math.abs(countTrained(build(name)) / 1e6 / millions - 1)).toBeLessThan(tolerance);
  });
});

describe("graphs", () => {
  const families = new Set(["vit", "deit", "swin", "mobilevit", "efficientformer", "mit", "cvt"]);
  const entries = listZoo().filter(({ family }) => families.has(family));

  test("all published transformers are there, by their published names", () => {
    const names = entries.map(({ name }) => name);
    expect(names.filter((name) => !published[name])).toEqual(["vit-base-patch16-224"]);
    expect(Object.keys(published).filter((name) => !names.includes(name))).toEqual([]);
  });

  test("every op can be costed, and the one output is read from logits", () => {
    for (const { name } of entries) {
      const graph = build(name);
      const { ops, outputs, tensors } = mainSubgraph(graph);
      const uncosted = costGraph(graph).ops.flatMap(({ flops }, index) =>
        flops === null ? [ops[index]!.type] : [],
      );
      expect(uncosted).toEqual([]);
      expect(outputs.map((index) => tensors[index]!.shape)).toEqual([
        [1, graph.name.endsWith("in21k") ? 2 : 1000],
      ]);
    }
  });

  test("windows are shifted in every other layer, but not where one covers the image", () => {
    const { tensors } = mainSubgraph(build("swin-tiny-patch4-window7-224"));
    const shifted = tensors.flatMap(
      ({ name }) => /^(stage\d\/layer\d)\/shift_back\/rolled$/.exec(name)?.[1] ?? [],
    );
    expect(shifted).toEqual([
      "stage1/layer2",
      "stage2/layer2",
      "stage3/layer2",
      "stage3/layer4",
      "stage3/layer6",
    ]);
  });

  test("layers of a stage share its mask", () => {
    const { tensors } = mainSubgraph(build("swin-base-patch4-window7-224"));
    const masks = tensors.filter(({ name, data }) => data && name.endsWith("/mask"));
    expect(masks.map(({ shape }) => shape)).toEqual([
      [1, 64, 1, 49, 49],
      [1, 16, 1, 49, 49],
      [1, 4, 1, 49, 49],
    ]);
  });
});

describe("new operators of the builder refuse what does not fit", () => {
  const builder = new GraphBuilder("net");
  const x = builder.input([1, 6]);
  test.each<[string, () => unknown, RegExp]>([
    ["SPLIT_V", () => builder.splitSizes(x, [2, 3]), /split: axis 1 of 1×6 is not 2 \+ 3/],
    ["GATHER", () => builder.gather(x, x), /gather: indices must be int32, not float32/],
    ["SELECT_V2", () => builder.select(x, x, x), /select: float32 cannot choose between float32 and float32/],
    [
      "EQUAL",
      () => builder.compare("EQUAL", x, builder.constant("four", [1, 2, 3, 4])),
      /equal: the shapes 1×6 and 4 do not match/,
    ],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
