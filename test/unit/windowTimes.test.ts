import { describe, expect, it } from "vitest";
import type { ClassScores, OpPrediction, PredictedPoint, Prediction } from "../../src-main/lab/contract.ts";
import {
  groupByFamily,
  groupErrorBars,
  listClassErrors,
  listGroupErrors,
  mostBars,
  tellFamilies,
} from "../../src-renderer/charts/groupErrors.ts";
import { listKernelOps, measureKernels, nameKernel } from "../../src-renderer/charts/kernelTimes.ts";
import { lightTheme } from "../../src-renderer/charts/theme.ts";
import { listSteps } from "../../src-renderer/charts/waterfall.ts";
import { listKernelTargets } from "../../src-renderer/kernelTargets.ts";
import { countLearnable } from "../../src-renderer/modelKinds.ts";
import { listTimeSources, listUsablePredictors, loadOpTimes, tellsOps } from "../../src-renderer/opTimes.ts";

const predictor = (id: number, scenario: string, problem: string | null = null) => ({
  id,
  scenario,
  problem,
});

describe("sources of times", () => {
  it("take the newest predictor that can be used, of its own scenario only", () => {
    const usable = listUsablePredictors([
      predictor(3, "a", "made by another version"),
      predictor(2, "a"),
      predictor(1, "a"),
      predictor(4, "b", "made by another version"),
    ]);
    expect([...usable]).toEqual([["a", 2]]);
  });

  it("stand those first that say most of single ops", () => {
    const scenarios = [
      { id: "whole", opRows: 0 },
      { id: "timed", opRows: 900 },
      { id: "elsewhere", opRows: 900 },
      { id: "fitted", opRows: 900 },
    ];
    const sources = listTimeSources(
      scenarios,
      [predictor(1, "fitted"), predictor(2, "whole", "made by another version")],
      ["whole", "timed"],
    );
    expect(sources.map(({ scenario }) => scenario)).toEqual(["timed", "fitted", "whole"]);
    expect(sources.map(({ predictor }) => predictor)).toEqual([null, 1, null]);
    expect(sources.map(tellsOps)).toEqual([true, true, false]);
  });

  it("ask for the predictor that was found usable, not for the newest", async () => {
    const asked: unknown[] = [];
    const lab = {
      predict: async (request: unknown) => {
        asked.push(request);
        return [];
      },
      run: () => Promise.reject(new Error("no run is asked for")),
      measurement: () => Promise.reject(new Error("no measurement is asked for")),
    };
    const source = { scenario: "a", predictor: 2, measured: false, opsTimed: true };
    await loadOpTimes(lab, "net", source, []);
    expect(asked).toEqual([{ models: ["net"], scenario: "a", predictor: 2, ops: true }]);
  });
});

const kernel = (index: number, op: string, ms: number, ops?: number[]): OpPrediction => ({
  index,
  op,
  kernel: "gpu-conv",
  ms,
  lowMs: ms,
  highMs: ms,
  extrapolated: [],
  ...(ops ? { ops } : {}),
});
const time = (op: number, ms: number) => ({ op, type: "CONV_2D", ms });

describe("kernels of several ops", () => {
  const fused = kernel(3, "CONV_2D", 4, [3, 2, 4]);
  const alone = kernel(5, "MEAN", 1);

  it("are named by the op that does the work", () => {
    expect([fused, alone].map(nameKernel)).toEqual(["#3 CONV_2D +2", "#5 MEAN"]);
    expect(listKernelOps(alone)).toEqual([5]);
  });

  it("were measured as the sum of their ops, each counted once", () => {
    const winograd = [kernel(7, "CONV_2D", 1, [7]), kernel(7, "CONV_2D", 2, [7])];
    const found = measureKernels(
      [fused, alone, ...winograd],
      [time(2, 1), time(3, 3), time(4, 0.5), time(7, 2)],
    );
    expect(found.get(fused)).toBe(4.5);
    expect(found.has(alone)).toBe(false);
    expect(winograd.map((entry) => found.get(entry))).toEqual([2, undefined]);
  });

  it("meet their measurement in one step of the waterfall, and nothing is left over", () => {
    const prediction: Prediction = {
      model: "net",
      scenario: "phone/gpu/float16/gpu-cl",
      predictor: 1,
      latencyMs: 6,
      lowMs: 5,
      highMs: 7,
      overheadMs: 1,
      uncovered: [],
      ops: [fused, alone],
      measuredMs: 7,
      measuredOps: [time(2, 1), time(3, 3), time(4, 0.5), time(5, 2)],
      learntFrom: false,
    };
    expect(listSteps(prediction)).toEqual([
      { label: "#3 CONV_2D +2", predictedMs: 4, measuredMs: 4.5 },
      { label: "#5 MEAN", predictedMs: 1, measuredMs: 2 },
      { label: "Between ops", predictedMs: 1, measuredMs: 0.5 },
    ]);
  });
});

describe("errors of groups", () => {
  const point = (model: string, family: string, measuredMs: number, predictedMs: number): PredictedPoint => ({
    model,
    family,
    flops: 1e9,
    measuredMs,
    predictedMs,
    lowMs: 0,
    highMs: 100,
  });
  const families = groupByFamily([
    point("a", "resnet", 10, 11),
    point("b", "resnet", 10, 8),
    point("c", "resnet", 10, 10.5),
    point("d", "vgg", 10, 15),
    point("e", "unmeasured", 0, 15),
  ]);

  it("are told by family, the furthest off first", () => {
    expect(families.map(({ name, count }) => [name, count])).toEqual([
      ["vgg", 1],
      ["resnet", 3],
    ]);
    expect(families[1]!.mape).toBeCloseTo((10 + 20 + 5) / 3);
    expect(families[1]!.medianApe).toBeCloseTo(10);
    expect(families[1]!.bias).toBeCloseTo((10 - 20 + 5) / 3);
    expect(tellFamilies(families)).toBe("Furthest off is vgg (50.0 %, too long), nearest resnet (11.7 %).");
    expect(tellFamilies(families.slice(0, 1))).toBeNull();
  });

  it("are drawn as mean and median, not more than can be read, and listed without end", () => {
    const many = Array.from({ length: mostBars + 5 }, (_, place) => ({ ...families[0]!, name: `f${place}` }));
    const chart = groupErrorBars(many, "networks", lightTheme);
    expect(chart.data.labels).toHaveLength(mostBars);
    expect(chart.data.datasets.map(({ label }) => label)).toEqual(["Mean error (MAPE)", "Median error"]);
    expect(chart.data.datasets[0]!.data[0]).toMatchObject({
      y: "f0",
      tip: ["Mean error (MAPE): 50.0 %, 1 networks"],
    });
    expect(listGroupErrors(many, "Family", "Networks").rows).toHaveLength(mostBars + 5);
  });

  it("of kernel classes have a median only, and leave out classes too small to validate", () => {
    const score = (name: string, medianApe: number | null, timeShare: number): ClassScores => ({
      kernel: name,
      rows: 40,
      learner: "lasso",
      medianApe,
      timeShare,
      fallback: null,
    });
    const classes = listClassErrors([score("mean", 3, 2), score("conv", 5, 80), score("pad", null, 10)]);
    expect(classes.map(({ name }) => name)).toEqual(["conv", "mean"]);
    const chart = groupErrorBars(classes, "op rows", lightTheme);
    expect(chart.data.datasets.map(({ label }) => label)).toEqual(["Median error"]);
    expect(listGroupErrors(classes, "Kernel class", "Op rows")).toEqual({
      columns: ["Kernel class", "Op rows", "Median error (%)"],
      rows: [
        ["conv", 40, 5],
        ["mean", 40, 3],
      ],
    });
  });
});

describe("what a window offers", () => {
  it("are kernels of CPUs and of the GPUs of known devices, each once", () => {
    const targets = listKernelTargets([
      { name: "Pixel 4", gpu: "Adreno (TM) 640" },
      { name: "This computer", gpu: null },
      { name: "OnePlus 7", gpu: "Adreno (TM) 640" },
    ]);
    expect(targets.map(({ words }) => words)).toEqual([
      "a CPU, TFLite",
      "a CPU, XNNPACK",
      "Adreno (TM) 640 (Pixel 4, OnePlus 7)",
    ]);
    expect(targets[2]!.target).toBe("gpu:Adreno (TM) 640");
  });

  it("is to learn from the measured networks that have a graph", () => {
    const counts = countLearnable([
      { kind: "zoo", measuredOn: ["a", "b"] },
      { kind: "published", measuredOn: ["a"] },
      { kind: "sampled", measuredOn: ["a"] },
    ]);
    expect([...counts]).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });
});
