import { describe, expect, it } from "vitest";
import type { ModelSummary } from "../../src-main/lab/contract.ts";
import {
  binAmounts,
  countFacet,
  listTags,
  noFacets,
  passesFacets,
  readAmount,
  readFacets,
  toggleValue,
  writeAmount,
  writeFacets,
  type ModelFacets,
} from "../../src-renderer/modelFacets.ts";

function model(name: string, family: string, flops: number, measuredOn: string[] = []): ModelSummary {
  return {
    name,
    family,
    kind: "zoo",
    hash: name,
    ops: 1,
    flops,
    params: flops / 100,
    bytes: flops / 20,
    addedAt: null,
    measuredOn,
  };
}

const models = [
  model("resnet10", "resnet", 1.8e9, ["host"]),
  model("resnet18", "resnet", 3.6e9),
  model("mobilenet_w1", "mobilenet", 1.1e9, ["host"]),
  model("mobilenet_wd4", "mobilenet", 8e7),
];

const passing = (facets: ModelFacets) =>
  models.filter((each) => passesFacets(each, facets)).map(({ name }) => name);

describe("facets", () => {
  it("narrow by family, being measured and both ends of FLOPs and size, all together", () => {
    expect(passing(noFacets)).toHaveLength(4);
    expect(passing({ ...noFacets, families: ["mobilenet"] })).toEqual(["mobilenet_w1", "mobilenet_wd4"]);
    expect(passing({ ...noFacets, measured: false })).toEqual(["resnet18", "mobilenet_wd4"]);
    expect(passing({ ...noFacets, flops: { from: 1.1e9, to: 1.8e9 } })).toEqual(["resnet10", "mobilenet_w1"]);
    expect(passing({ ...noFacets, bytes: { from: null, to: 4e6 } })).toEqual(["mobilenet_wd4"]);
    expect(passing({ ...noFacets, families: ["resnet"], measured: true })).toEqual(["resnet10"]);
    expect(passing({ ...noFacets, kinds: ["file"] })).toEqual([]);
  });

  it("count what each value would leave, values without any too", () => {
    const facets = { ...noFacets, families: ["resnet"], measured: true };
    expect(countFacet(models, facets, "families")).toEqual([
      { value: "mobilenet", count: 1 },
      { value: "resnet", count: 1 },
    ]);
    expect(countFacet(models, { ...noFacets, flops: { from: 2e9, to: null } }, "measured")).toEqual([
      { value: "yes", count: 0 },
      { value: "no", count: 1 },
    ]);
  });

  it("spread amounts over bins that stay where they are while other facets narrow", () => {
    const all = binAmounts(models, noFacets, "flops", 4);
    const few = binAmounts(models, { ...noFacets, families: ["resnet"] }, "flops", 4);
    expect(all.map(({ from, to }) => [from, to])).toEqual(few.map(({ from, to }) => [from, to]));
    expect([all[0]!.from, all.at(-1)!.to]).toEqual([8e7, 3.6e9]);
    expect(all.map(({ count }) => count)).toEqual([1, 0, 1, 2]);
    expect(few.map(({ count }) => count)).toEqual([0, 0, 0, 2]);
    expect(binAmounts(models.slice(0, 1), noFacets, "flops", 4)).toEqual([
      { from: 1.8e9, to: 1.8e9, count: 1 },
    ]);
    expect(binAmounts([], noFacets, "flops", 4)).toEqual([]);
  });

  it("stand in the address and come back from it; what cannot be read asks nothing", () => {
    const facets: ModelFacets = {
      families: ["resnet", "mobilenet"],
      kinds: ["zoo"],
      measured: true,
      flops: { from: 3e8, to: null },
      bytes: { from: null, to: 2e7 },
    };
    const written = writeFacets(facets);
    expect(readFacets(JSON.parse(JSON.stringify(written)) as Record<string, string>)).toEqual(facets);
    expect(Object.values(writeFacets(noFacets))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(readFacets({ flops: "many..", size: "..", measured: "maybe", family: "," })).toEqual(noFacets);
  });

  it("are told one by one, each with what is left without it", () => {
    const facets = { ...noFacets, families: ["resnet"], measured: false, flops: { from: 1e9, to: null } };
    const tags = listTags(facets);
    expect(tags.map(({ text }) => text)).toEqual(["Family resnet", "Not measured", "FLOPs from 1.00 GFLOPs"]);
    expect(tags[0]!.without).toEqual({ ...facets, families: [] });
    expect(tags[2]!.without.flops).toEqual({ from: null, to: null });
    expect(toggleValue(toggleValue(noFacets, "families", "a"), "families", "a")).toEqual(noFacets);
  });
});

describe("amounts", () => {
  it.each([
    ["300M", 3e8],
    [" 1.5 GFLOPs", 1.5e9],
    ["20 MB", 2e7],
    ["0.3g", 3e8],
    [".5k", 500],
    ["7", 7],
    ["", null],
    ["-1", null],
    ["1e9", null],
    ["G", null],
    ["1,5", null],
  ])("%s is %s", (text, amount) => {
    expect(readAmount(text)).toBe(amount);
  });

  it("are written so that they are read as the same number", () => {
    for (const amount of [0, 1, 999, 1000, 1234, 3e8, 1_137_530_880, 2.5e15])
      expect(readAmount(writeAmount(amount))).toBe(amount);
    expect(writeAmount(null)).toBe("");
  });
});
