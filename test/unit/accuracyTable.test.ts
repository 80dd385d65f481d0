/** The arithmetic of the accuracy table, on trials whose scores are known. */
import { describe, expect, it } from "vitest";
import { scorePoints, tabulateAccuracy } from "../../src-main/evaluate/accuracyTable.ts";
import type { AccuracyPoint, AccuracyTrial } from "../../src-main/evaluate/accuracyTrial.ts";

function makePoint(network: string, predictedMs: number, more: Partial<AccuracyPoint> = {}): AccuracyPoint {
  return { network, family: "resnet", measuredMs: 100, predictedMs, oracleMs: null, factor: null, ...more };
}

function makeTrial(more: Partial<AccuracyTrial>): AccuracyTrial {
  return {
    scenario: "red/gpu/float16/gpu-cl",
    kind: "gpu",
    learner: "lasso",
    protocol: "random",
    trainSize: 10,
    split: 0,
    points: [makePoint("a", 110)],
    kernels: [],
    ...more,
  };
}

describe("scores of predictions", () => {
  it("tell the overhead's error from that of the kernels", () => {
    const scores = scorePoints([
      makePoint("a", 110, { oracleMs: 104 }),
      makePoint("b", 90, { oracleMs: 98 }),
      makePoint("c", 103, { oracleMs: 100 }),
    ]);
    expect(scores.mape).toBeCloseTo(23 / 3, 10);
    expect(scores.medianApe).toBeCloseTo(10, 10);
    expect(scores.oracleMape).toBeCloseTo(2, 10);
    expect(scores.kernelMape).toBeCloseTo((6 + 8 + 3) / 3, 10);
    expect(scores.within5).toBeCloseTo(100 / 3, 10);
    expect(scores.within10).toBe(100);
  });

  it("have no oracle when one prediction has none", () => {
    const scores = scorePoints([makePoint("a", 110, { oracleMs: 104 }), makePoint("b", 90)]);
    expect(scores.oracleMape).toBeNull();
    expect(scores.kernelMape).toBeNull();
    expect(scorePoints([]).oracleMape).toBeNull();
  });
});

describe("intervals", () => {
  it("are judged where every prediction has one", () => {
    const points = [makePoint("a", 110, { factor: 1.2 }), makePoint("b", 125, { factor: 1.1 })];
    expect(scorePoints(points).inside).toBe(50);
    expect(scorePoints(points).halfWidth).toBeCloseTo(15, 10);
    expect(scorePoints([...points, makePoint("c", 100)])).toMatchObject({ inside: null, halfWidth: null });
  });

  it("are averaged over scenarios that have them", () => {
    const points = [makePoint("a", 110, { factor: 1.2 })];
    const { means } = tabulateAccuracy([
      makeTrial({ points }),
      makeTrial({ scenario: "blue/gpu/float16/gpu-cl", points: [makePoint("a", 130, { factor: 1.1 })] }),
      makeTrial({ scenario: "grey/gpu/float16/gpu-cl" }),
    ]);
    expect(means[0]!.inside).toBe(50);
    expect(means[0]!.halfWidth).toBeCloseTo(15, 10);
  });
});

describe("rows", () => {
  it("pool the predictions of all splits, each weighing the same", () => {
    const { rows } = tabulateAccuracy([
      makeTrial({ split: 0, points: [makePoint("a", 130)] }),
      makeTrial({ split: 1, points: [makePoint("b", 100), makePoint("c", 100)] }),
    ]);
    expect(rows).toHaveLength(1);
    // The mean of the splits' means would be 15.
    expect(rows[0]).toMatchObject({ seeds: 2, predictions: 3, mape: 10, medianApe: 0 });
  });

  it("stand by scenario, learner, protocol and size, whatever order trials come in", () => {
    const { rows } = tabulateAccuracy([
      makeTrial({ trainSize: 30 }),
      makeTrial({ scenario: "blue/gpu/float16/gpu-cl" }),
      makeTrial({ protocol: "coarse-family", trainSize: 40 }),
      makeTrial({ learner: "boosting", trainSize: 30 }),
      makeTrial({ protocol: "family", trainSize: 50 }),
      makeTrial({ trainSize: 10 }),
    ]);
    expect(
      rows.map(({ scenario, learner, protocol, trainSize }) => [scenario[0], learner, protocol, trainSize]),
    ).toEqual([
      ["r", "lasso", "random", 10],
      ["r", "lasso", "random", 30],
      ["r", "lasso", "family", 50],
      ["r", "lasso", "coarse-family", 40],
      ["r", "boosting", "random", 30],
      ["b", "lasso", "random", 10],
    ]);
  });
});

describe("means", () => {
  it("weigh scenarios the same, however many predictions they have, and keep kinds apart", () => {
    const { means } = tabulateAccuracy([
      makeTrial({ points: [makePoint("a", 110), makePoint("b", 110), makePoint("c", 110)] }),
      makeTrial({ scenario: "blue", points: [makePoint("a", 120)] }),
      makeTrial({ scenario: "green", kind: "cpu", points: [makePoint("a", 190)] }),
    ]);
    expect(means.find(({ kind, size }) => kind === "gpu" && size === 10)).toMatchObject({
      scenarios: 2,
      mape: 15,
    });
    expect(means.find(({ kind, size }) => kind === "cpu" && size === 10)).toMatchObject({
      scenarios: 1,
      mape: 90,
    });
  });

  it("name the largest size of every scenario", () => {
    const { means } = tabulateAccuracy([
      makeTrial({ trainSize: 10, points: [makePoint("a", 150)] }),
      makeTrial({ trainSize: 60, points: [makePoint("a", 110)] }),
      makeTrial({ scenario: "blue", trainSize: 10, points: [makePoint("a", 150)] }),
      makeTrial({ scenario: "blue", trainSize: 64, points: [makePoint("a", 130)] }),
    ]);
    const of = (wanted: number | "largest") => means.find(({ size }) => size === wanted);
    expect(of("largest")).toMatchObject({ mape: 20, trainSizes: { least: 60, most: 64 }, scenarios: 2 });
    expect(of(10)).toMatchObject({ mape: 50, scenarios: 2 });
    expect(of(64)).toMatchObject({ mape: 30, scenarios: 1 });
  });
});

describe("families and kernel classes", () => {
  it("pool relatives at the largest size only", () => {
    const { families } = tabulateAccuracy([
      makeTrial({ trainSize: 10, points: [makePoint("a", 900)] }),
      makeTrial({
        trainSize: 20,
        points: [
          makePoint("a", 110),
          makePoint("b", 80, { family: "seresnet" }),
          makePoint("c", 101, { family: "hrnet" }),
        ],
      }),
    ]);
    expect(families).toHaveLength(2);
    expect(families[0]).toMatchObject({ family: "ResNet", networks: 2, predictions: 2 });
    expect(families[0]?.mape).toBeCloseTo(15, 10);
    expect(families[0]?.bias).toBeCloseTo(-5, 10);
    expect(families[1]).toMatchObject({ family: "hrnet", networks: 1 });
    expect(families[1]?.mape).toBeCloseTo(1, 10);
  });

  it("give a class's share of time and the bias of its sum", () => {
    const { classes } = tabulateAccuracy([
      makeTrial({
        kernels: [
          { kernel: "pool", measuredMs: 10, predictedMs: 15 },
          { kernel: "conv", measuredMs: 60, predictedMs: 66 },
          { kernel: "conv", measuredMs: 30, predictedMs: 24 },
        ],
      }),
    ]);
    expect(classes.map(({ kernel }) => kernel)).toEqual(["conv", "pool"]);
    expect(classes[0]).toMatchObject({ learner: "lasso", rows: 2, share: 90, bias: 0 });
    expect(classes[0]?.mape).toBeCloseTo(15, 10);
    expect(classes[1]).toMatchObject({ rows: 1, share: 10, bias: 50, mape: 50 });
  });
});
