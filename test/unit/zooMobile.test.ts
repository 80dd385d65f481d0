import { describe, expect, test } from "vitest";
import { costGraph } from "../../src-main/model/cost.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { planHarmonicLayer } from "../../src-main/model/zoo/hardnet.ts";
import { countOps, countTrainedParameters, findEntry } from "./zooEntries.ts";

describe("trained parameters are those of the trained networks", () => {
  // As counted by the collection of trained models the published measurements were made with (osmr/imgclsmob).
  test.each([
    ["mobilenet_w1", 4231976],
    ["mobilenet_w3d4", 2585560],
    ["mobilenet_wd2", 1331592],
    ["mobilenet_wd4", 470072],
    ["mobilenetb_w1", 4222056],
    ["mobilenetb_w3d4", 2578120],
    ["mobilenetb_wd2", 1326632],
    ["mobilenetb_wd4", 467592],
    ["fdmobilenet_w1", 2901288],
    ["fdmobilenet_w3d4", 1833304],
    ["fdmobilenet_wd2", 993928],
    ["fdmobilenet_wd4", 383160],
    ["mobilenetv2_w1", 3504960],
    ["mobilenetv2_w3d4", 2627592],
    ["mobilenetv2_wd2", 1964736],
    ["mobilenetv2_wd4", 1516392],
    ["mobilenetv2b_w1", 3503872],
    ["mobilenetv2b_w3d4", 2626968],
    ["mobilenetv2b_wd2", 1964448],
    ["mobilenetv2b_wd4", 1516312],
    ["mobilenetv3_small_w7d20", 2159600],
    ["mobilenetv3_small_wd2", 2288976],
    ["mobilenetv3_small_w3d4", 2581312],
    ["mobilenetv3_small_w1", 2945288],
    ["mobilenetv3_small_w5d4", 3643632],
    ["mobilenetv3_large_w7d20", 2943080],
    ["mobilenetv3_large_wd2", 3334896],
    ["mobilenetv3_large_w3d4", 4263496],
    ["mobilenetv3_large_w1", 5481752],
    ["mobilenetv3_large_w5d4", 7459144],
    ["mnasnet_a1", 3887038],
    ["mnasnet_b1", 4383312],
    ["proxylessnas_cpu", 4361648],
    ["proxylessnas_gpu", 7119848],
    ["proxylessnas_mobile", 4080512],
    ["proxylessnas_mobile14", 6857568],
    ["fbnet_cb", 5572200],
    ["spnasnet", 4421616],
    ["efficientnet_edge_small_b", 5438392],
    ["efficientnet_edge_medium_b", 6899496],
    ["efficientnet_edge_large_b", 10589712],
    ["ghostnet", 5180840],
    ["peleenet", 2802248],
    ["hardnet39ds", 3488228],
    ["hardnet68ds", 4180602],
  ])("%s has %i", (name, parameters) => {
    expect(countTrainedParameters(findEntry(name))).toBe(parameters);
  });
});

describe("multiply-accumulates are those of the papers", () => {
  // In millions, as the papers round them; ours count pools and arithmetic of elements too.
  test.each([
    ["mobilenet_w1", 569],
    ["mobilenet_w3d4", 325],
    ["mobilenet_wd2", 149],
    ["mobilenet_wd4", 41],
    ["fdmobilenet_w1", 144],
    ["fdmobilenet_wd2", 40],
    ["fdmobilenet_wd4", 12],
    ["mobilenetv2b_w1", 300],
    ["mobilenetv3_large_w1", 219],
    ["mnasnet_a1", 312],
    ["mnasnet_b1", 315],
    ["proxylessnas_gpu", 465],
    ["proxylessnas_mobile", 320],
    ["ghostnet", 141],
    ["peleenet", 508],
  ])("%s takes %d million", (name, millions) => {
    expect(Math.abs(costGraph(findEntry(name).build()).flops / 2e6 / millions - 1)).toBeLessThan(0.01);
  });
});

describe("operators as a converter leaves them", () => {
  const shapesOf = (name: string, type: string) => {
    const { ops, tensors } = mainSubgraph(findEntry(name).build());
    return ops
      .filter((op) => op.type === type)
      .map(({ inputs, outputs }) => ({
        input: tensors[inputs[0]!]!.shape,
        output: tensors[outputs[0]!]!.shape,
        name: tensors[outputs[0]!]!.name,
      }));
  };

  test("MnasNet-A1 squeezes to a quarter of each unit's input, between depthwise and projection", () => {
    const reduced = shapesOf("mnasnet_a1", "CONV_2D").filter(({ name }) => name.endsWith("/reduce"));
    expect(reduced.map(({ input, output }) => [input[3], output[3]])).toEqual([
      [72, 6],
      [120, 10],
      [120, 10],
      [480, 20],
      [672, 28],
      [672, 28],
      [960, 40],
      [960, 40],
    ]);
    // A stem and the features; units of an expansion (but the first), a depthwise convolution and a projection.
    expect(countOps(findEntry("mnasnet_a1").build())).toEqual({
      CONV_2D: 2 + 15 + 16 + 2 * 8,
      PAD: 16,
      DEPTHWISE_CONV_2D: 16,
      MEAN: 1 + 8,
      LOGISTIC: 8,
      MUL: 8,
      ADD: 9,
      FULLY_CONNECTED: 1,
    });
  });

  test.each([
    ["mobilenetv3_small_wd2", 9, 19],
    ["mobilenetv3_large_w3d4", 8, 21],
  ])("%s has %i gates and %i hard-swishes as operators", (name, gates, swishes) => {
    const counts = countOps(findEntry(name).build());
    // A gate is a mean, two convolutions, relu6(x + 3) ÷ 6 as a factor, and the product.
    expect(counts).toMatchObject({ MEAN: gates, MUL: 2 * gates, HARD_SWISH: swishes });
    expect(counts["LOGISTIC"]).toBeUndefined();
  });

  test("EfficientNet-Edge of middle size repeats its stages 2, 3, 5, 6, 5 and 3 times", () => {
    const projections = shapesOf("efficientnet_edge_medium_b", "CONV_2D").filter(({ name }) =>
      name.endsWith("/project"),
    );
    expect(projections.map(({ output }) => output[3])).toEqual(
      [24, 32, 48, 96, 144, 192].flatMap((channels, stage) =>
        Array<number>([2, 3, 5, 6, 5, 3][stage]!).fill(channels),
      ),
    );
    expect(
      projections.map(({ output }) => output[1]).filter((size, at, all) => size !== all[at - 1]),
    ).toEqual([112, 56, 28, 14, 7]);
  });

  test("depthwise convolutions of padding other than SAME have a PAD, those of MobileNet of stride 1 too", () => {
    const counts = countOps(findEntry("mobilenet_w3d4").build());
    expect([counts["PAD"], counts["DEPTHWISE_CONV_2D"]]).toEqual([13, 13]);
    const padded = shapesOf("mobilenet_w3d4", "DEPTHWISE_CONV_2D").map(({ input }) => input[1]);
    expect(padded).toEqual([114, 114, 58, 58, 30, 30, 16, 16, 16, 16, 16, 16, 9]);
  });

  test.each([
    // Chao et al. 2019, section 3: layer 8 reads layers 7, 6, 4 and 0, and is 1.7³ times as wide as layer 1.
    { layer: 1, links: [0], filters: 14 },
    { layer: 2, links: [1, 0], filters: 24 },
    { layer: 4, links: [3, 2, 0], filters: 40 },
    { layer: 6, links: [5, 4], filters: 24 },
    { layer: 8, links: [7, 6, 4, 0], filters: 68 },
  ])("layer $layer of HarDNet-68 reads $links", ({ layer, links, filters }) => {
    expect(planHarmonicLayer(layer, 14, 1.7)).toEqual({ links, filters });
  });
});
