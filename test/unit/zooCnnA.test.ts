import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { ceilPool } from "../../src-main/model/zoo/ceilPool.ts";
import { planRegnetStages } from "../../src-main/model/zoo/regnet.ts";
import { planResidualStages, residualPlans } from "../../src-main/model/zoo/resnet.ts";
import { listZoo } from "../../src-main/model/zoo/zoo.ts";
import { countOps, countTrainedParameters, findEntry as find } from "./zooEntries.ts";

describe("trained parameters are those of the trained networks", () => {
  // As counted by the collection of trained models the published measurements were made with (osmr/imgclsmob); those of
  // ResNet-18, DenseNet-121, DenseNet-169, SqueezeNet and ResNeXt agree with the counts of other collections (torchvision).
  test.each([
    ["resnet10", 5418792],
    ["resnet12", 5492776],
    ["resnet14", 5788200],
    ["resnet16", 6968872],
    ["resnet18", 11689512],
    ["resnet18_w3d4", 8476056],
    ["resnet18_wd2", 5804296],
    ["resnet18_wd4", 3937400],
    ["resnetbc14b", 10064936],
    ["resnetbc26b", 15995176],
    ["preresnet10", 5417128],
    ["preresnet12", 5491112],
    ["preresnet14", 5786536],
    ["preresnet16", 6967208],
    ["preresnet18", 11687848],
    ["preresnet18_w3d4", 8473784],
    ["preresnet18_wd2", 5802440],
    ["preresnet18_wd4", 3935960],
    ["preresnetbc14b", 10057384],
    ["preresnetbc26b", 15987624],
    ["seresnet10", 5463332],
    ["seresnet12", 5537896],
    ["seresnet14", 5835504],
    ["seresnet16", 7024640],
    ["seresnet18", 11778592],
    ["sepreresnet10", 5461668],
    ["sepreresnet12", 5536232],
    ["sepreresnet14", 5833840],
    ["sepreresnet16", 7022976],
    ["sepreresnet18", 11776928],
    ["resnext14_16x4d", 7127336],
    ["resnext14_32x4d", 9411880],
    ["resnext26_16x4d", 10119976],
    ["resnext26_32x4d", 15389480],
    ["regnetx002", 2684792],
    ["regnetx004", 5157512],
    ["regnetx006", 6196040],
    ["regnetx008", 7259656],
    ["regnetx016", 9190136],
    ["regnety002", 3162996],
    ["regnety004", 4344144],
    ["regnety006", 6055160],
    ["regnety008", 6263168],
    ["regnety016", 11202430],
    ["diracnet18v2", 11511784],
    ["bagnet9", 15688744],
    ["squeezenet_v1_0", 1248424],
    ["squeezenet_v1_1", 1235496],
    ["squeezeresnet_v1_0", 1248424],
    ["squeezeresnet_v1_1", 1235496],
    ["hrnet_w18_small_v1", 13187464],
    ["hrnet_w18_small_v2", 15597464],
    ["dla46c", 1301400],
    ["densenet121", 7978856],
    ["densenet169", 14149480],
    ["bninception", 11295240],
    ["vovnet27s", 3525736],
  ])("%s has %i", (name, parameters) => {
    expect(countTrainedParameters(find(name))).toBe(parameters);
  });
});

describe("multiply-accumulates are those the same collection lists", () => {
  // In millions; the collection counts norms, biases and activations too, up to 2.5 % of a network.
  test.each([
    ["resnet18", 1820.41],
    ["preresnet18", 1820.56],
    ["resnext26_32x4d", 2488.07],
    ["regnetx002", 203.33],
    ["regnety016", 1629.48],
    ["diracnet18v2", 1796.62],
    ["bagnet9", 16049.19],
    ["squeezenet_v1_0", 823.67],
    ["squeezenet_v1_1", 352.02],
    ["hrnet_w18_small_v1", 1614.87],
    ["hrnet_w18_small_v2", 2618.54],
    ["dla46c", 585.45],
    ["densenet121", 2872.13],
    ["densenet169", 3403.89],
    ["bninception", 2048.06],
    ["vovnet27s", 2187.25],
  ])("%s takes %d million", (name, millions) => {
    const ours = costGraph(find(name).build()).flops / 2e6;
    expect(ours).toBeLessThan(millions);
    expect(ours).toBeGreaterThan(0.975 * millions);
  });
});

describe("widths of stages", () => {
  test.each([
    // Radosavovic et al. 2020, figures of RegNetX and RegNetY in appendix D.
    { plan: [24, 36.44, 2.49, 13, 8], depths: [1, 1, 4, 7], widths: [24, 56, 152, 368] },
    { plan: [48, 36.97, 2.24, 16, 24], depths: [1, 3, 5, 7], widths: [48, 96, 240, 528] },
    { plan: [80, 34.01, 2.25, 18, 24], depths: [2, 4, 10, 2], widths: [72, 168, 408, 912] },
    { plan: [48, 27.89, 2.09, 16, 8], depths: [1, 3, 6, 6], widths: [48, 104, 208, 440] },
    { plan: [56, 38.84, 2.4, 14, 16], depths: [1, 3, 8, 2], widths: [64, 128, 320, 768] },
    { plan: [48, 20.71, 2.65, 27, 24], depths: [2, 6, 17, 2], widths: [48, 120, 336, 888] },
  ] as const)("RegNet $plan has $widths", ({ plan, depths, widths }) => {
    const stages = planRegnetStages(plan);
    expect(stages.map(({ depth }) => depth)).toEqual(depths);
    expect(stages.map(({ width }) => width)).toEqual(widths);
    for (const { width, group } of stages) expect(width % group).toBe(0);
  });

  test("a narrower ResNet keeps the width of its last unit", () => {
    const { stem, stages } = planResidualStages(residualPlans["18_wd4"]);
    expect(stem).toBe(16);
    expect(stages.map((units) => units.map(({ filters }) => filters))).toEqual([
      [16, 16],
      [32, 32],
      [64, 64],
      [128, 512],
    ]);
    expect(stages.map((units) => units.map(({ stride }) => stride))).toEqual([
      [1, 1],
      [2, 1],
      [2, 1],
      [2, 1],
    ]);
  });
});

describe("operators as a converter leaves them", () => {
  test("batch norm after a convolution is gone", () => {
    expect(countOps(find("resnet18").build())).toEqual({
      CONV_2D: 20,
      MAX_POOL_2D: 1,
      ADD: 8,
      MEAN: 1,
      FULLY_CONNECTED: 1,
    });
  });

  test("batch norm before a convolution is a MUL and an ADD, its convolutions are padded explicitly", () => {
    // 8 units and the end have norms of their own, 8 additions; the stem and 16 convolutions of 3×3 are padded.
    expect(countOps(find("preresnet18").build())).toEqual({
      PAD: 17,
      CONV_2D: 20,
      MAX_POOL_2D: 1,
      MUL: 9,
      ADD: 17,
      MEAN: 1,
      FULLY_CONNECTED: 1,
    });
  });

  test("grouped convolutions are one operator", () => {
    const { ops, tensors } = mainSubgraph(find("resnext14_32x4d").build());
    const grouped = ops.filter(
      ({ type, inputs }) =>
        type === "CONV_2D" && tensors[inputs[0]!]!.shape[3] !== tensors[inputs[1]!]!.shape[3],
    );
    expect(grouped.map(({ inputs }) => tensors[inputs[1]!]!.shape)).toEqual([
      [128, 3, 3, 4],
      [256, 3, 3, 8],
      [512, 3, 3, 16],
      [1024, 3, 3, 32],
    ]);
  });

  test("names tell stage and unit", () => {
    const names = mainSubgraph(find("resnet18").build()).tensors.map(({ name }) => name);
    expect(names).toContain("stage3/unit2/conv1/filter");
    // A number after the number would mean that two blocks have the same path.
    const twice = /(stage|unit|layer|fire|branch|fuse|conv|down)\d+_\d/;
    for (const { name, build } of listZoo())
      expect(
        mainSubgraph(build()).tensors.filter((tensor) => twice.test(tensor.name)),
        name,
      ).toEqual([]);
  });

  test("RegNetY squeezes to a quarter of each unit's input", () => {
    const { ops, tensors } = mainSubgraph(find("regnety002").build());
    const reduced = ops
      .map(({ outputs }) => tensors[outputs[0]!]!)
      .filter(({ name }) => name.endsWith("squeeze_excite/reduce"))
      .map(({ shape }) => shape[3]);
    expect(reduced).toEqual([8, 6, 14, 38, 38, 38, 38, 92, 92, 92, 92, 92, 92]);
  });

  test("BagNet crops the shortcut where a kernel consumed the border", () => {
    const { ops, tensors } = mainSubgraph(find("bagnet9").build());
    const crops = ops.filter(({ type }) => type === "STRIDED_SLICE");
    const sides = crops.map(({ inputs, outputs }) =>
      [inputs[0]!, outputs[0]!].map((i) => tensors[i]!.shape[1]),
    );
    expect(sides).toEqual([
      [111, 110],
      [55, 54],
    ]);
  });

  test.each([
    { input: 109, output: 54, padded: false },
    { input: 54, output: 27, padded: true },
    { input: 112, output: 56, padded: true },
    { input: 27, output: 13, padded: false },
  ])("a pool that rounds up makes $output of $input", ({ input, output, padded }) => {
    const builder = new GraphBuilder("net");
    const y = ceilPool(builder, builder.input([1, input, input, 4]));
    expect(y.shape).toEqual([1, output, output, 4]);
    expect(countOps(builder.build(y))).toEqual({ MAX_POOL_2D: 1, ...(padded ? { PAD: 1 } : {}) });
  });
});
