import { describe, expect, it } from "vitest";
import type { OpTime } from "../../src-main/lab/contract.ts";
import type { AttemptSummary } from "../../src-main/lab/contract.ts";
import { chooseAttempt } from "../../src-main/store/attempts.ts";
import { orderCells } from "../../src-main/store/cellOrder.ts";
import { median } from "../../src-main/model/median.ts";
import { combineOpTimes } from "../../src-main/store/measurements.ts";

describe("the order of a run's cells", () => {
  it("holds every item once in each round", () => {
    for (const items of [1, 2, 3, 7, 40]) {
      const order = orderCells(items, 5, 3);
      expect(order).toHaveLength(items * 5);
      for (let repetition = 0; repetition < 5; repetition++) {
        const round = order.slice(repetition * items, (repetition + 1) * items);
        expect(round.map((cell) => cell.item).sort((a, b) => a - b)).toEqual([...Array(items).keys()]);
        expect(new Set(round.map((cell) => cell.repetition))).toEqual(new Set([repetition]));
      }
    }
  });

  it("keeps repetitions of an item half a round apart, and never adjacent", () => {
    for (let seed = 0; seed < 50; seed++)
      for (const items of [2, 3, 5, 10, 31]) {
        const last = new Map<number, number>();
        orderCells(items, 6, seed).forEach(({ item }, position) => {
          const before = last.get(item);
          if (before !== undefined) expect(position - before).toBeGreaterThan(Math.floor(items / 2));
          last.set(item, position);
        });
      }
  });

  it("is the seed's: the same for the same, another for another, and not that of the list", () => {
    const plain = [...Array(30).keys()];
    const items = (seed: number) => orderCells(30, 1, seed).map((cell) => cell.item);
    expect(items(1)).toEqual(items(1));
    expect(items(1)).not.toEqual(items(2));
    expect(items(1)).not.toEqual(plain);
  });
});

function makeAttempt(number: number, state: AttemptSummary["state"], kept: number): AttemptSummary {
  const common = { latencyMs: 1, spreadMs: 0, total: 100, error: null, startedAt: null, committedAt: "" };
  return { number, state, kept, ...common };
}

describe("the attempt that stands for a cell", () => {
  it.each([
    ["none", [], null],
    [
      "a done one before a later failed one",
      [
        ["done", 9],
        ["failed", 0],
      ],
      1,
    ],
    [
      "a done one before a later noisy one with more kept",
      [
        ["done", 9],
        ["noisy", 50],
      ],
      1,
    ],
    [
      "a noisy one before a later failed one",
      [
        ["noisy", 2],
        ["failed", 0],
      ],
      1,
    ],
    [
      "the noisy one with most kept",
      [
        ["noisy", 5],
        ["noisy", 8],
        ["noisy", 3],
      ],
      2,
    ],
    [
      "the latest of equal noisy ones",
      [
        ["noisy", 5],
        ["noisy", 5],
      ],
      2,
    ],
    [
      "the latest done one",
      [
        ["done", 50],
        ["noisy", 60],
        ["done", 20],
      ],
      3,
    ],
    [
      "the latest failed one",
      [
        ["failed", 0],
        ["failed", 0],
      ],
      2,
    ],
  ] as [string, [AttemptSummary["state"], number][], number | null][])("is %s", (_, attempts, expected) => {
    const list = attempts.map(([state, kept], index) => makeAttempt(index + 1, state, kept));
    expect(chooseAttempt(list)?.number ?? null).toBe(expected);
  });
});

describe("several cells of one model", () => {
  const list = (...ms: number[]): OpTime[] =>
    ms.map((value, op) => ({ op, type: op ? "ADD" : "CONV_2D", ms: value }));

  it("combine op by op by the median", () => {
    const lists = [list(1, 20), list(3, 10), list(2, 90)];
    expect(combineOpTimes(lists, lists[0]!)).toEqual(list(2, 20));
  });

  it("leave out a cell whose runtime ran other ops", () => {
    const other = [{ op: 0, type: "CONV_2D", ms: 1000 }];
    const lists = [list(1, 20), other, list(3, 10)];
    expect(combineOpTimes(lists, lists[0]!)).toEqual(list(2, 15));
  });

  it("take the middle of an odd number and the mean of the two middle ones of an even one", () => {
    expect(median([5, 1, 100])).toBe(5);
    expect(median([10, 9, 1, 2])).toBe(5.5);
    expect(median([])).toBeNaN();
  });
});
