import { describe, expect, it } from "vitest";
import { describeOutlook, evaluatePowerLaw, fitPowerLaw } from "../../src-main/evaluate/learningCurve.ts";
import {
  correlateRanks,
  rankValues,
  scoreIntervals,
  scoreKernels,
  scorePredictions,
} from "../../src-main/evaluate/metrics.ts";
import { planSplits } from "../../src-main/evaluate/splits.ts";

describe("scores", () => {
  it("are what one calculates by hand", () => {
    const scores = scorePredictions([
      { measuredMs: 10, predictedMs: 10.4 },
      { measuredMs: 20, predictedMs: 18.5 },
      { measuredMs: 40, predictedMs: 50 },
      { measuredMs: 80, predictedMs: 80 },
    ]);
    // Errors 4, 7.5, 25 and 0 %.
    expect(scores.models).toBe(4);
    expect(scores.mape).toBeCloseTo(9.125, 12);
    expect(scores.medianApe).toBeCloseTo(5.75, 12);
    expect(scores.within5).toBe(50);
    expect(scores.within10).toBe(75);
    expect(scores.spearman).toBeCloseTo(1, 12);
  });

  it("count an error of exactly the limit as within, and leave out what was not measured", () => {
    const scores = scorePredictions([
      { measuredMs: 20, predictedMs: 21 },
      { measuredMs: 0, predictedMs: 5 },
    ]);
    expect(scores).toMatchObject({ models: 1, within5: 100, spearman: null });
  });

  it("tell how many measurements intervals hold, edges included, and how wide they are", () => {
    const scores = scoreIntervals([
      { measuredMs: 10, predictedMs: 8, factor: 1.25 },
      { measuredMs: 10, predictedMs: 12.5, factor: 1.25 },
      { measuredMs: 10, predictedMs: 13, factor: 1.25 },
      { measuredMs: 10, predictedMs: 7, factor: 1.4 },
      { measuredMs: 0, predictedMs: 7, factor: 9 },
    ]);
    expect(scores.inside).toBe(50);
    expect(scores.halfWidth).toBeCloseTo(25, 10);
    expect(scoreIntervals([])).toEqual({ inside: null, halfWidth: null });
  });

  it("group kernels by class", () => {
    const scores = scoreKernels([
      { kernel: "a", measuredMs: 1, predictedMs: 1.1 },
      { kernel: "b", measuredMs: 1, predictedMs: 2 },
      { kernel: "a", measuredMs: 1, predictedMs: 0.7 },
    ]);
    expect(scores.get("a")!.rows).toBe(2);
    expect(scores.get("a")!.mape).toBeCloseTo(20, 10);
    expect(scores.get("b")!.medianApe).toBeCloseTo(100, 10);
  });
});

describe("rank correlation", () => {
  it("shares ranks among ties", () => {
    expect(rankValues([30, 10, 20, 10])).toEqual([4, 1.5, 3, 1.5]);
    // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 ÷ √(4.5 · 5).
    expect(correlateRanks([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
  });

  it("is −1 for reversed order, null for too few or constant values", () => {
    expect(correlateRanks([1, 2, 3], [9, 5, 1])).toBeCloseTo(-1, 12);
    expect(correlateRanks([1, 2], [1, 2])).toBeNull();
    expect(correlateRanks([1, 2, 3], [5, 5, 5])).toBeNull();
  });
});

describe("splits", () => {
  const families = ["a", "a", "b", "b", "b", "c", "c", "c", "c", "c"];
  const base = { families, trainSizes: [] as number[], splits: 3, seed: 1 };

  it("put no network on both sides and leave none out", () => {
    for (const split of planSplits({ ...base, protocol: "random", trainSizes: [3, 6] })) {
      expect(split.train.length).toBe(split.trainSize);
      expect([...split.train, ...split.test].sort((a, b) => a - b)).toEqual(
        families.map((_, place) => place),
      );
    }
  });

  it("grow the training set within a split and differ between splits", () => {
    const splits = planSplits({ ...base, protocol: "random", trainSizes: [6, 3] });
    expect(splits.map(({ split, trainSize }) => [split, trainSize])).toEqual([
      [0, 3],
      [0, 6],
      [1, 3],
      [1, 6],
      [2, 3],
      [2, 6],
    ]);
    for (const place of splits[0]!.train) expect(splits[1]!.train).toContain(place);
    expect(splits[1]!.train).not.toEqual(splits[3]!.train);
    expect(planSplits({ ...base, protocol: "random", trainSizes: [6, 3] })).toEqual(splits);
  });

  it("leave one family out at a time", () => {
    const splits = planSplits({ ...base, protocol: "family" });
    expect(splits.map(({ test }) => test)).toEqual([
      [0, 1],
      [2, 3, 4],
      [5, 6, 7, 8, 9],
    ]);
    for (const { train, test } of splits) {
      const left = new Set(test.map((place) => families[place]));
      for (const place of train) expect(left.has(families[place]!)).toBe(false);
    }
    expect(
      planSplits({ ...base, protocol: "family", trainSizes: [4] }).map(({ train }) => train.length),
    ).toEqual([4, 4, 4]);
  });

  it("refuse what cannot be split, in words", () => {
    const refuse = (changed: object) => () => planSplits({ ...base, protocol: "random", ...changed });
    expect(refuse({ trainSizes: [10] })).toThrow(/leave none/);
    expect(refuse({ trainSizes: [2.5] })).toThrow(/number of training networks/);
    expect(refuse({ splits: 0 })).toThrow(/number of splits/);
    expect(refuse({ protocol: "family", families: ["a", "a"] })).toThrow(/one family/);
    expect(refuse({ protocol: "family", trainSizes: [6] })).toThrow(/largest family/);
  });
});

describe("learning curve", () => {
  it("recovers a power law", () => {
    const law = fitPowerLaw([10, 20, 40].map((trainSize) => ({ trainSize, mape: 30 * trainSize ** -0.5 })))!;
    expect(law.scale).toBeCloseTo(30, 8);
    expect(law.exponent).toBeCloseTo(0.5, 10);
    expect(evaluatePowerLaw(law, 100)).toBeCloseTo(3, 8);
  });

  it("ends in a sentence", () => {
    const points = [10, 20, 40].map((trainSize) => ({ trainSize, mape: 30 * trainSize ** -0.5 }));
    // From 40 networks: 4.74 %; 20 more: 30 / √60 = 3.87 %.
    expect(describeOutlook(points, 40)).toBe(
      "20 more models would bring the error from 4.7 % to about 3.9 %.",
    );
    const flat = [
      { trainSize: 10, mape: 5 },
      { trainSize: 20, mape: 5.2 },
    ];
    expect(describeOutlook(flat, 20)).toBe("More models would hardly lower the error; it stays near 5.2 %.");
    expect(describeOutlook([{ trainSize: 10, mape: 5 }], 10)).toBeNull();
  });
});
