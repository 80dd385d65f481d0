import { beforeAll, describe, expect, it } from "vitest";
import { studyGpu, type GpuStudyRequest } from "../../src-main/evaluate/gpuStudy.ts";
import type { AccuracyTrial } from "../../src-main/evaluate/accuracyTrial.ts";
import { LabError } from "../../src-main/lab/errors.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import { listUntimedClasses } from "../../src-main/predict/gpuDataset.ts";
import {
  decodePredictor,
  encodePredictor,
  fitPredictor,
  predictNetwork,
  readDataset,
  type FittedPredictor,
} from "../../src-main/predict/predictor.ts";
import { simulateOnGpu, target } from "./simulatedGpu.ts";

const scenario = "sim/gpu/float16/gpu-cl";
const { gpu } = target;
const measure = (index: number, seed = 1) =>
  simulateOnGpu(sampleNetwork(3, index).graph, { model: `net${index}`, family: `family${index % 4}`, seed });
const networks = Array.from({ length: 24 }, (_, index) => measure(index));
const unseen = Array.from({ length: 12 }, (_, index) => measure(100 + index));

async function collect(changed: Partial<GpuStudyRequest> = {}): Promise<AccuracyTrial[]> {
  const trials: AccuracyTrial[] = [];
  const phones = [{ scenario, gpu, networks }];
  const request = {
    phones,
    learners: ["linear-boosting"] as const,
    trainSizes: [12],
    splits: 2,
    seed: 1,
    workers: 0,
  };
  for await (const trial of studyGpu({ ...request, ...changed })) trials.push(trial);
  return trials;
}

describe("a predictor of a GPU", () => {
  let predictor: FittedPredictor;
  beforeAll(async () => {
    predictor = await fitPredictor({
      scenario,
      networks,
      gpu,
      learner: "linear-boosting",
      seed: 1,
      workers: 0,
    });
  });

  it("predicts unseen networks by their kernels, and explains them", () => {
    const errors = unseen.map(({ graph, latencyMs }) =>
      Math.abs(predictNetwork(predictor, graph).latencyMs / latencyMs - 1),
    );
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.05);
    const { ops, overheadMs, latencyMs, uncovered } = predictNetwork(predictor, unseen[0]!.graph);
    expect(overheadMs + ops.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(latencyMs, 9);
    expect(uncovered).toEqual([]);
    expect(new Set(ops.map(({ index }) => index)).size).toBe(ops.length);
    const fused = ops.find((op) => (op.ops?.length ?? 0) > 1)!;
    expect(fused.ops![0]).toBe(fused.index);
    expect(fused.why!.length).toBeGreaterThan(0);
    expect(ops.every(({ lowMs, ms, highMs }) => lowMs < ms && ms < highMs)).toBe(true);
  });

  it("remembers the GPU, and leaves kernels nobody timed to the overhead", () => {
    expect(predictor.gpu).toMatchObject(target);
    expect(predictor.gpu!.untimed).toEqual(listUntimedClasses(readDataset(scenario, networks, gpu)));
    expect(predictor.gpu!.untimed).toContain("gpu-elementwise");
    const kernels = predictNetwork(predictor, unseen[0]!.graph).ops.map(({ kernel }) => kernel);
    expect(kernels.some((kernel) => predictor.gpu!.untimed.includes(kernel))).toBe(false);
  });

  it("names ops that stay on the CPU with the reason", () => {
    const builder = new GraphBuilder("net");
    const x = builder.conv(builder.input([1, 16, 16, 8]), 8, 3);
    const graph = builder.build(builder.conv(builder.softmax(x), 8, 1));
    const argMax = structuredClone(graph);
    const last = argMax.subgraphs[0]!.ops.at(-1)!;
    last.type = "RFFT2D";
    const { uncovered, ops } = predictNetwork(predictor, argMax);
    expect(uncovered).toHaveLength(1);
    expect(uncovered[0]!.index).toBe(argMax.subgraphs[0]!.ops.length - 1);
    expect(uncovered[0]!.reason.length).toBeGreaterThan(10);
    expect(ops.length).toBeGreaterThan(0);
  });

  it("is stored and read back to the bit", () => {
    const read = decodePredictor(encodePredictor(predictor));
    expect(read).toEqual(predictor);
    for (const { graph } of unseen.slice(0, 3))
      expect(predictNetwork(read, graph)).toEqual(predictNetwork(predictor, graph));
  });

  it("tells what each class goes by", () => {
    const conv = predictor.scores.classes.find(({ kernel }) => kernel === "gpu-conv")!;
    expect(conv.importance![0]!.share).toBeGreaterThan(10);
    const shares = conv.importance!.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(100 + 1e-9);
    expect(conv.importance!.slice(0, 4).map(({ feature }) => feature)).toContain("FLOPs");
  });

  it("is refused where the GPU is not known, and where no network has kernel times", async () => {
    const request = { scenario, networks, learner: "lasso" as const, seed: 1, workers: 0 };
    await expect(fitPredictor(request)).rejects.toMatchObject({ code: "scenario-unsupported" });
    const untimed = networks.map((network) => ({ ...network, kernelTimes: [] }));
    const fit = fitPredictor({ ...request, gpu, networks: untimed });
    await expect(fit).rejects.toBeInstanceOf(LabError);
    await expect(fit).rejects.toMatchObject({ code: "too-little-data" });
  });
});

describe("the study of GPUs", () => {
  it("never trains on a network it tests on: spoiling the test networks changes no prediction", async () => {
    const clean = await collect({ trainSizes: [12], splits: 1, protocols: ["random"] });
    const tested = new Set(clean[0]!.points.map(({ network }) => network));
    expect(tested.size).toBe(12);
    const spoilt = networks.map((network) =>
      tested.has(network.model)
        ? {
            ...network,
            latencyMs: network.latencyMs * 3,
            kernelTimes: network.kernelTimes!.map((time) => ({ ...time, ms: time.ms * 7 })),
          }
        : network,
    );
    const [trial] = await collect({
      phones: [{ scenario, gpu, networks: spoilt }],
      splits: 1,
      protocols: ["random"],
    });
    expect(trial!.points.map(({ predictedMs }) => predictedMs)).toEqual(
      clean[0]!.points.map(({ predictedMs }) => predictedMs),
    );
  });

  it.each(["lasso", "forest", "boosting", "perceptron", "linear-boosting", "auto"] as const)(
    "gives the same by %s for any number of workers",
    async (learner) => {
      const wanted = { learners: [learner], splits: 1, protocols: ["random"] as const };
      expect(await collect({ ...wanted, workers: 2 })).toEqual(await collect(wanted));
    },
    60_000,
  );

  it("leaves out each family whole, and groups of families as they are named", async () => {
    const trials = await collect({
      trainSizes: [],
      coarseFamilyOf: (family) => (family === "family3" ? family : "others"),
      protocols: ["family", "coarse-family"],
      learners: ["lasso"],
    });
    const families = trials.filter(({ protocol }) => protocol === "family");
    expect(families).toHaveLength(4);
    for (const { points } of families) {
      expect(new Set(points.map(({ family }) => family)).size).toBe(1);
      expect(points).toHaveLength(6);
    }
    const coarse = trials.filter(({ protocol }) => protocol === "coarse-family");
    expect(coarse.map(({ points }) => points.length).sort()).toEqual([18, 6].sort());
  });

  it("knows the oracle: true kernel times and the same overhead come nearer than predictions", async () => {
    const trials = await collect({ splits: 1, protocols: ["random"] });
    const error = (read: (point: AccuracyTrial["points"][number]) => number) =>
      trials[0]!.points.reduce((sum, point) => sum + Math.abs(read(point) / point.measuredMs - 1), 0);
    expect(error(({ oracleMs }) => oracleMs!)).toBeLessThan(error(({ predictedMs }) => predictedMs));
  });

  it("leaves out sizes that leave too few networks to test on", async () => {
    const trials = await collect({ trainSizes: [12, 20, 24, 1000], splits: 1, protocols: ["random"] });
    expect(trials.map(({ trainSize }) => trainSize)).toEqual([12]);
  });
});
