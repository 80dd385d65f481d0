import { describe, expect, it } from "vitest";
import { simulateMeasurement } from "../../bench/simulatedDevice.ts";
import { evaluateScenario } from "../../src-main/evaluate/evaluate.ts";
import { scorePredictions } from "../../src-main/evaluate/metrics.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import type { MeasuredNetwork } from "../../src-main/predict/dataset.ts";

const networks = Array.from({ length: 26 }, (_, index) => simulateMeasurement(sampleNetwork(4, index), 1));
const request = {
  scenario: "sim/1core/float32/tflite",
  networks,
  protocol: "random" as const,
  trainSizes: [8, 18],
  splits: 2,
  seed: 5,
  learners: ["lasso", "auto", "flops"] as const,
  workers: 0,
};

describe("evaluating a scenario", () => {
  it("scores every learner at every size, against the FLOPs-only line", async () => {
    const evaluation = await evaluateScenario(request);
    expect(evaluation.rows.map(({ learner, trainSize }) => `${learner} ${trainSize}`).sort()).toEqual([
      "auto 18",
      "auto 8",
      "flops 18",
      "flops 8",
      "lasso 18",
      "lasso 8",
    ]);
    for (const row of evaluation.rows) {
      expect(row.splits).toBe(2);
      expect(row.models).toBe(2 * (26 - row.trainSize));
      const points = evaluation.predictions.filter(
        (p) => p.learner === row.learner && p.trainSize === row.trainSize,
      );
      expect(scorePredictions(points).mape).toBe(row.mape);
      const inside = points.filter((p) => p.lowMs <= p.measuredMs && p.measuredMs <= p.highMs);
      expect(row.inside).toBeCloseTo((100 * inside.length) / points.length, 9);
    }
    const mapeOf = (learner: string, size: number) =>
      evaluation.rows.find((row) => row.learner === learner && row.trainSize === size)!.mape;
    expect(mapeOf("auto", 18)).toBeLessThan(mapeOf("flops", 18) / 2);
    expect(evaluation.outlook).toMatch(/more models would|More models would/i);
    const conv = evaluation.classes.find((row) => row.learner === "auto" && row.kernel === "conv-1x1")!;
    expect(conv.rows).toBeGreaterThan(50);
    expect(conv.medianApe).toBeLessThan(15);
    expect(evaluation.classes.some((row) => row.learner === "flops")).toBe(false);
  });

  it("shows the intervals that users of such a predictor see, widened outside what was learnt from", async () => {
    const { predictions } = await evaluateScenario({ ...request, trainSizes: [8], splits: 1 });
    const widths = predictions
      .filter(({ learner }) => learner === "lasso")
      .map(({ highMs, predictedMs }) => Number((highMs / predictedMs).toFixed(6)));
    // Eight networks do not span the space: some of eighteen others lie outside, by different amounts.
    expect(new Set(widths).size).toBeGreaterThan(3);
  });

  it("is the same for any number of workers, and leaves out what was not asked for", async () => {
    const small = { ...request, trainSizes: [10], splits: 1, learners: ["boosting"] as const };
    const [here, threads] = await Promise.all([
      evaluateScenario(small),
      evaluateScenario({ ...small, workers: 2 }),
    ]);
    expect(threads).toEqual(here);
    expect(here.rows.length).toBe(1);
    expect(here.outlook).toBeNull();
  });

  // The trap: what was measured on test networks is replaced by nonsense. Predictions of them must not move by one bit,
  // through neither learners, hyper-parameters, overhead, screening nor the interval's width.
  it("never lets a test network reach a fit", async () => {
    const trapped = {
      ...request,
      trainSizes: [18],
      splits: 1,
      learners: ["lasso", "boosting", "auto", "flops"] as const,
    };
    const honest = await evaluateScenario(trapped);
    const tested = new Set(honest.predictions.map(({ model }) => model));
    expect(tested.size).toBe(8);
    const spoiled = await evaluateScenario({
      ...trapped,
      networks: networks.map((network) => (tested.has(network.model) ? spoil(network) : network)),
    });
    const predictionsOf = ({ predictions }: typeof honest) =>
      predictions.map(({ learner, model, predictedMs, lowMs, highMs }) => ({
        learner,
        model,
        predictedMs,
        lowMs,
        highMs,
      }));
    expect(predictionsOf(spoiled)).toEqual(predictionsOf(honest));
    expect(spoiled.rows[0]!.mape).not.toBeCloseTo(honest.rows[0]!.mape, 3);
    // The trap itself works: spoiling a training network does move them.
    const other = await evaluateScenario({
      ...trapped,
      networks: networks.map((network) => (tested.has(network.model) ? network : spoil(network))),
    });
    expect(predictionsOf(other)).not.toEqual(predictionsOf(honest));
  });

  // Which training networks are left out as disturbed is part of the fit too.
  it("judges disturbed training networks without looking at test networks", async () => {
    const trapped = { ...request, trainSizes: [12], splits: 1, learners: ["lasso"] as const };
    const tested = new Set((await evaluateScenario(trapped)).predictions.map(({ model }) => model));
    const slowest = networks.find((network) => !tested.has(network.model))!.model;
    const disturbed = networks.map((network) =>
      network.model === slowest ? stretch(network, 1.6) : network,
    );
    const predict = async (measured: MeasuredNetwork[]) =>
      (await evaluateScenario({ ...trapped, networks: measured })).predictions.map(
        ({ predictedMs }) => predictedMs,
      );
    const honest = await predict(disturbed);
    // Fourteen test networks as slow as the one: among them it would look usual.
    const spoiled = disturbed.map((network) => (tested.has(network.model) ? stretch(network, 1.6) : network));
    expect(await predict(spoiled)).toEqual(honest);
    expect(await predict(networks)).not.toEqual(honest);
  });

  it("keeps a network measured twice on one side", async () => {
    const repeated = networks.flatMap((network) => [network, { ...network, cell: network.cell + 1 }]);
    const { predictions } = await evaluateScenario({
      ...request,
      networks: repeated,
      trainSizes: [18],
      splits: 1,
      learners: ["lasso"],
    });
    expect(predictions.length).toBe(8);
    expect(new Set(predictions.map(({ model }) => model)).size).toBe(8);
  });

  it("leaves out one family at a time", async () => {
    const evaluation = await evaluateScenario({
      ...request,
      protocol: "family",
      trainSizes: [],
      learners: ["lasso", "flops"],
    });
    const families = new Set(networks.map(({ family }) => family));
    expect(evaluation.rows.map(({ splits }) => splits)).toEqual([families.size, families.size]);
    expect(evaluation.predictions.filter(({ learner }) => learner === "lasso").length).toBe(26);
  });

  it("refuses in words what it cannot do", async () => {
    await expect(evaluateScenario({ ...request, trainSizes: [4] })).rejects.toMatchObject({
      code: "bad-request",
    });
    await expect(evaluateScenario({ ...request, trainSizes: [26] })).rejects.toMatchObject({
      code: "bad-request",
    });
    await expect(evaluateScenario({ ...request, learners: [] })).rejects.toMatchObject({
      code: "bad-request",
    });
    await expect(evaluateScenario({ ...request, networks: networks.slice(0, 2) })).rejects.toMatchObject({
      code: "too-little-data",
    });
  });
});

function stretch(network: MeasuredNetwork, factor: number): MeasuredNetwork {
  return {
    ...network,
    latencyMs: network.latencyMs * factor,
    opTimes: network.opTimes.map(({ op, ms }) => ({ op, ms: ms * factor })),
  };
}

function spoil(network: MeasuredNetwork): MeasuredNetwork {
  return {
    ...network,
    latencyMs: 7 * network.latencyMs + 100,
    opTimes: network.opTimes.map(({ op, ms }) => ({ op, ms: ms * 3 + (op % 4) })),
  };
}
