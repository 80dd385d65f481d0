import { describe, expect, test } from "vitest";
import { findZooNetwork, listZoo, zooFamilies } from "../../src-main/model/zoo/zoo.ts";

/** The names of the 102 published networks, by what they begin with. */
const published = {
  bagnet: ["9"],
  bninception: [""],
  densenet: ["121", "169"],
  diracnet: ["18v2"],
  dla: ["46c"],
  efficientnet_edge_: ["small_b", "medium_b", "large_b"],
  fbnet: ["_cb"],
  fdmobilenet_: ["w1", "w3d4", "wd2", "wd4"],
  ghostnet: [""],
  hardnet: ["39ds", "68ds"],
  hrnet_w18_small_: ["v1", "v2"],
  mnasnet_: ["a1", "b1"],
  mobilenet_: ["w1", "w3d4", "wd2", "wd4"],
  mobilenetb_: ["w1", "w3d4", "wd2", "wd4"],
  mobilenetv2_: ["w1", "w3d4", "wd2", "wd4"],
  mobilenetv2b_: ["w1", "w3d4", "wd2", "wd4"],
  mobilenetv3_small_: ["w7d20", "wd2", "w3d4", "w1", "w5d4"],
  mobilenetv3_large_: ["w7d20", "wd2", "w3d4", "w1", "w5d4"],
  peleenet: [""],
  preresnet: ["10", "12", "14", "16", "18", "18_w3d4", "18_wd2", "18_wd4", "bc14b", "bc26b"],
  proxylessnas_: ["cpu", "gpu", "mobile", "mobile14"],
  regnetx: ["002", "004", "006", "008", "016"],
  regnety: ["002", "004", "006", "008", "016"],
  resnet: ["10", "12", "14", "16", "18", "18_w3d4", "18_wd2", "18_wd4", "bc14b", "bc26b"],
  resnext: ["14_16x4d", "14_32x4d", "26_16x4d", "26_32x4d"],
  sepreresnet: ["10", "12", "14", "16", "18"],
  seresnet: ["10", "12", "14", "16", "18"],
  spnasnet: [""],
  squeezenet_: ["v1_0", "v1_1"],
  squeezeresnet_: ["v1_0", "v1_1"],
  vovnet: ["27s"],
};

const names = Object.entries(published).flatMap(([start, ends]) => ends.map((end) => start + end));

/** At least one of each of these transformers, named as the published table names them. */
const transformers = [
  "vit-base-patch16-224",
  "vit-base-patch16-384",
  "vit-base-patch32-384",
  "deit-tiny-distilled-patch16-224",
  "deit-small-distilled-patch16-224",
  "deit-base-distilled-patch16-224",
  "swin-tiny-patch4-window7-224",
  "swin-small-patch4-window7-224",
  "swin-base-patch4-window7-224",
  "mobilevit-xx-small",
  "mobilevit-x-small",
  "mobilevit-small",
  "efficientformer-l1-300",
  "efficientformer-l3-300",
  "mit-b0",
  "mit-b1",
  "mit-b2",
  "cvt-13",
];

describe("the zoo has", () => {
  test("all 102 published CNNs", () => {
    expect(new Set(names).size).toBe(102);
    expect(names.filter((name) => !findZooNetwork(name))).toEqual([]);
  });

  test("the transformers", () => {
    expect(transformers.filter((name) => !findZooNetwork(name))).toEqual([]);
  });

  test("each network once, in a family that names its paper, and nothing that it was not asked for", () => {
    const all = zooFamilies.flatMap(({ networks }) => Object.keys(networks));
    expect(new Set(all).size).toBe(all.length);
    expect(listZoo().map(({ name }) => name)).toEqual(all);
    for (const { family, paper } of zooFamilies) {
      expect(family).toMatch(/^[a-z0-9_]+$/);
      expect(paper).toMatch(/ (19|20)\d\d, .+/);
    }
    for (const name of ["resnet", "ResNet18", "resnet18 ", "toString", "__proto__", ""])
      expect(findZooNetwork(name)).toBeNull();
  });

  test("graphs of their names, an image as input and one row of logits as output", () => {
    for (const { name, build } of listZoo()) {
      const { name: built, subgraphs } = build();
      expect(built).toBe(name);
      const { inputs, outputs, tensors } = subgraphs[0]!;
      const [shape, result] = [inputs, outputs].map(([index]) => tensors[index!]!.shape);
      expect([inputs.length, outputs.length], name).toEqual([1, 1]);
      expect(shape, name).toEqual([1, shape![1], shape![1], 3]);
      if (names.includes(name)) expect([shape![1], result], name).toEqual([224, [1, 1000]]);
    }
  });
});
