import { expect, test } from "vitest";
import { coarseFamilies, findCoarseFamily } from "../../src-main/evaluate/coarseFamilies.ts";
import { zooFamilies } from "../../src-main/model/zoo/zoo.ts";

test("every family of a group is one of the zoo and stands in one group only", () => {
  const known = new Set(zooFamilies.map(({ family }) => family));
  const named = coarseFamilies.flatMap(({ families }) => families);
  expect(named.filter((family) => !known.has(family))).toEqual([]);
  expect(new Set(named).size).toBe(named.length);
});

test("relatives share a group, others are by themselves", () => {
  expect(findCoarseFamily("mobilenetv3")).toBe(findCoarseFamily("fdmobilenet"));
  expect(findCoarseFamily("resnext")).toBe(findCoarseFamily("sepreresnet"));
  expect(findCoarseFamily("resnet")).not.toBe(findCoarseFamily("regnetx"));
  expect(findCoarseFamily("hrnet")).toBe("hrnet");
  expect(findCoarseFamily("a family nobody knows")).toBe("a family nobody knows");
});

test("no group bears the name of a family that is not in it", () => {
  const families = new Set(zooFamilies.map(({ family }) => family));
  for (const { name } of coarseFamilies) expect(families.has(name)).toBe(false);
});
