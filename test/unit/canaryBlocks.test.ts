import { describe, expect, it } from "vitest";
import {
  CanaryBlocks,
  cellsPerBlock,
  chooseBlockTolerance,
  findDrift,
  longestBlockMs,
} from "../../src-main/profile/canaryBlocks.ts";

function makeBlocks(known: Record<string, number> = {}) {
  const references = new Map(Object.entries(known));
  const clock = { ms: 0 };
  const blocks = new CanaryBlocks(
    { get: (set) => references.get(set) ?? null, set: (set, ms) => references.set(set, ms) },
    (set) => Number.parseInt(set),
    () => clock.ms,
  );
  return { blocks, references, clock };
}

describe("two readings of the canary", () => {
  const single = chooseBlockTolerance(1);

  it.each([
    [10, 10, 10, null],
    [10, 10.9, 10, null],
    [10, 11.2, 10, "the canary drifted by 12 % from one end of the cell's block to the other"],
    [11.2, 10, 10, "the canary drifted by 12 % from one end of the cell's block to the other"],
    [11.4, 11.4, 10, null],
    [11.6, 11.6, 10, "the canary took 1.16 × its time in the device's fast state"],
    [10, 17.5, 10, "the canary took 1.75 × its time in the device's fast state"],
  ])("%f ms and %f ms against %f ms", (before, after, reference, reason) => {
    expect(findDrift(before, after, reference, single)).toBe(reason);
  });

  it("may differ more where threads wait for each other", () => {
    expect(findDrift(10, 11.7, 10, chooseBlockTolerance(4))).toBeNull();
    expect(findDrift(10, 11.9, 10, chooseBlockTolerance(4))).toMatch(/drifted by 19 %/);
  });
});

describe("blocks of cells", () => {
  it("end after so many cells, after so long, or with the last cell", () => {
    const { blocks, clock } = makeBlocks();
    expect(blocks.listDue(true)).toEqual([]);
    for (let cell = 1; cell < cellsPerBlock; cell++) blocks.add(cell, cell % 2 ? "1large" : "4small");
    expect(blocks.listDue(false)).toEqual([]);
    expect(blocks.listDue(true)).toEqual(["1large", "4small"]);
    blocks.add(99, "1large");
    expect(blocks.listDue(false)).toEqual(["1large", "4small"]);
    blocks.close(new Map());
    blocks.add(100, "1large");
    clock.ms += longestBlockMs - 1;
    expect(blocks.listDue(false)).toEqual([]);
    clock.ms += 1;
    expect(blocks.listDue(false)).toEqual(["1large"]);
  });

  it("tell each of their cells once, with the reason, and only those of the core set that drifted", () => {
    const { blocks } = makeBlocks();
    blocks.begin("1large", 10);
    blocks.begin("4small", 30);
    blocks.add(1, "1large");
    blocks.add(2, "4small");
    blocks.add(3, "1large");
    const suspects = blocks.close(
      new Map([
        ["1large", 14],
        ["4small", 31],
      ]),
    );
    expect(suspects.map(({ cell }) => cell)).toEqual([1, 3]);
    expect(suspects[0]!.reason).toMatch(/1\.40 ×/);
    blocks.begin("1large", 10);
    blocks.add(4, "4small");
    expect(blocks.close(new Map([["4small", 30]]))).toEqual([]);
  });

  it("begin where the one before ended", () => {
    const { blocks } = makeBlocks();
    blocks.begin("1large", 10);
    blocks.add(1, "1large");
    expect(blocks.close(new Map([["1large", 10.8]]))).toEqual([]);
    blocks.add(2, "1large");
    // 12 % above the reading before, though within tolerance of nothing else.
    expect(blocks.close(new Map([["1large", 9.6]]))[0]!.reason).toMatch(/drifted by 13 %/);
  });

  it("are judged again when the true fast state is seen later", () => {
    const { blocks, references } = makeBlocks({ "1large": 15 });
    blocks.begin("1large", 15);
    blocks.add(1, "1large");
    expect(blocks.close(new Map([["1large", 15]]))).toEqual([]);
    expect(references.get("1large")).toBe(15);
    // The phone was away between, so this block is whole in itself.
    blocks.begin("1large", 10);
    blocks.add(2, "1large");
    const suspects = blocks.close(new Map([["1large", 10]]));
    expect(suspects).toEqual([
      { cell: 1, reason: "the canary took 1.50 × its time in the device's fast state" },
    ]);
    expect(references.get("1large")).toBe(10);
    blocks.add(3, "1large");
    expect(blocks.close(new Map([["1large", 10]]))).toEqual([]);
  });

  it("are not judged when the device went away inside them", () => {
    const { blocks } = makeBlocks({ "1large": 10 });
    blocks.begin("1large", 10);
    blocks.add(1, "1large");
    blocks.abandon();
    expect(blocks.listDue(true)).toEqual([]);
    blocks.begin("1large", 20);
    blocks.add(2, "1large");
    expect(blocks.close(new Map([["1large", 20]])).map(({ cell }) => cell)).toEqual([2]);
  });

  it("judge by a reference that a slow reading never raises", () => {
    const { blocks, references } = makeBlocks();
    blocks.begin("1large", 10);
    blocks.begin("1large", 13);
    blocks.begin("1large", 0);
    expect(references.get("1large")).toBe(10);
  });
});
