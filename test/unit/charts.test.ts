import { describe, expect, it } from "vitest";
import type {
  EvaluationRow,
  PredictedPoint,
  Prediction,
  Sample,
  Scores,
  TelemetryPoint,
} from "../../src-main/lab/contract.ts";
import { accuracyBars, listAccuracy } from "../../src-renderer/charts/accuracy.ts";
import { readTip, roundToStep } from "../../src-renderer/charts/configuration.ts";
import type { ChartDrawing } from "../../src-renderer/charts/configuration.ts";
import { learningCurveChart } from "../../src-renderer/charts/learningCurve.ts";
import { binSamples, histogramChart, samplesChart } from "../../src-renderer/charts/samples.ts";
import { listPoints, scatterChart } from "../../src-renderer/charts/scatter.ts";
import { groupShares, shareBars } from "../../src-renderer/charts/shares.ts";
import {
  hasTelemetry,
  listTelemetry,
  telemetryChart,
  tellTelemetry,
} from "../../src-renderer/charts/telemetry.ts";
import { darkTheme, lightTheme } from "../../src-renderer/charts/theme.ts";
import { listSteps, listWaterfall, waterfallChart } from "../../src-renderer/charts/waterfall.ts";

function point(model: string, measuredMs: number, predictedMs: number): PredictedPoint {
  return {
    model,
    family: "sampled",
    flops: 1e9,
    measuredMs,
    predictedMs,
    lowMs: predictedMs * 0.9,
    highMs: predictedMs * 1.1,
  };
}

function sample(atMs: number, ms: number, kept: boolean): Sample {
  return { atMs, ms, kept, canaryBeforeMs: kept ? 1 : 1.8, canaryAfterMs: 1, waitedMs: 0 };
}

function prediction(): Prediction {
  const op = (index: number, ms: number) => ({
    index,
    op: "CONV_2D",
    kernel: "conv",
    ms,
    lowMs: ms * 0.9,
    highMs: ms * 1.1,
    extrapolated: [],
  });
  return {
    model: "m",
    scenario: "host/1core/float32/tflite",
    predictor: 1,
    learntFrom: false,
    latencyMs: 10.5,
    lowMs: 9,
    highMs: 12,
    overheadMs: 0.5,
    uncovered: [],
    ops: [op(0, 4), op(1, 0.1), op(2, 0.2), op(3, 5), op(4, 0.7)],
    measuredMs: 12,
    measuredOps: [
      { op: 0, type: "CONV_2D", ms: 4.5 },
      { op: 1, type: "CONV_2D", ms: 0.1 },
      { op: 2, type: "CONV_2D", ms: 0.3 },
      { op: 3, type: "CONV_2D", ms: 5.5 },
      { op: 4, type: "CONV_2D", ms: 0.6 },
    ],
  };
}

const scores: Scores = { models: 9, mape: 4, medianApe: 3, within5: 70, within10: 95, spearman: 0.99 };

const samples = [
  sample(0, 10, true),
  sample(500, 18, false),
  sample(1000, 10.2, true),
  sample(1500, 10.1, true),
];

const intervals = { inside: 90, halfWidth: 10 };
const curve: EvaluationRow[] = [
  { ...scores, ...intervals, learner: "boosting", protocol: "random", trainSize: 30, splits: 3, mape: 5 },
  { ...scores, ...intervals, learner: "boosting", protocol: "random", trainSize: 10, splits: 3, mape: 9 },
  { ...scores, ...intervals, learner: "flops", protocol: "random", trainSize: 10, splits: 3, mape: 25 },
];

const gallery: Record<string, (theme: typeof lightTheme) => ChartDrawing> = {
  scatter: (theme) => scatterChart([point("a", 10, 10.5), point("b", 20, 26)], theme),
  waterfall: (theme) => waterfallChart(prediction(), theme),
  accuracy: (theme) => accuracyBars([{ learner: "flops", ...scores }], theme),
  learningCurve: (theme) => learningCurveChart(curve, theme),
  samples: (theme) => samplesChart(samples, theme),
  histogram: (theme) => histogramChart(samples, theme),
  shares: (theme) =>
    shareBars([{ label: "CONV_2D", value: 3, count: 1 }], theme, {
      quantity: "FLOPs",
      kind: "computed",
      format: String,
    }),
};

describe.each(Object.entries(gallery))("%s chart", (_, draw) => {
  it("is JSON, so that a report can embed it", () => {
    const drawing = draw(lightTheme);
    expect(JSON.parse(JSON.stringify(drawing))).toEqual(drawing);
  });

  it("takes every colour from the theme", () => {
    const light = JSON.stringify(draw(lightTheme));
    const dark = JSON.stringify(draw(darkTheme));
    for (const color of Object.values(lightTheme)) expect(dark).not.toContain(`"${color}"`);
    expect(light).not.toBe(dark);
  });
});

describe("scatterChart", () => {
  it("splits networks at 10 % and gives the two shapes different symbols", () => {
    const chart = scatterChart(
      [point("edge", 10, 11), point("near", 10, 9.1), point("far", 10, 11.2)],
      lightTheme,
    );
    const [close, far] = chart.data.datasets;
    expect(close?.data.map((entry) => entry.y)).toEqual([11, 9.1]);
    expect(far?.data.map((entry) => entry.y)).toEqual([11.2]);
    expect(readTip({ raw: far?.data[0] })?.join()).toContain("+12.0 %");
  });

  it("frames every point, and stands without any", () => {
    const chart = scatterChart([point("a", 7.8, 9), point("b", 41, 60)], lightTheme);
    expect(chart.options?.scales?.["x"]).toMatchObject({ type: "logarithmic", min: 5, max: 100 });
    expect(chart.options?.scales?.["y"]).toMatchObject({ min: 5, max: 100 });
    expect(scatterChart([], lightTheme).options?.scales?.["x"]).toMatchObject({ min: 1, max: 100 });
  });

  it("leaves out what a logarithm cannot show", () => {
    const chart = scatterChart([point("zero", 10, 0), point("a", 10, 10)], lightTheme);
    expect(chart.data.datasets.slice(0, 2).flatMap((set) => set.data)).toHaveLength(1);
  });

  it("lists the furthest off first", () => {
    const table = listPoints([point("near", 10, 10.1), point("low", 10, 7), point("high", 10, 12)]);
    expect(table.rows.map((row) => row[0])).toEqual(["low", "high", "near"]);
    expect(table.rows[0]?.at(-1)).toBeCloseTo(-30);
  });
});

describe("waterfall", () => {
  it("adds up to both totals however much is folded", () => {
    for (const limit of [1, 2, 3, 100]) {
      const steps = listSteps(prediction(), limit);
      const sum = (key: "predictedMs" | "measuredMs") =>
        steps.reduce((total, step) => total + (step[key] ?? 0), 0);
      expect(sum("predictedMs")).toBeCloseTo(10.5);
      expect(sum("measuredMs")).toBeCloseTo(12);
    }
  });

  it("folds the small ops between large ones and keeps the order of execution", () => {
    expect(listSteps(prediction(), 2).map((step) => step.label)).toEqual([
      "#0 CONV_2D",
      "#1–2 2 smaller ops",
      "#3 CONV_2D",
      "#4 CONV_2D",
      "Between ops",
    ]);
  });

  it("names measured ops that nobody predicted", () => {
    const partial = prediction();
    partial.ops.pop();
    const step = listSteps(partial).find((entry) => entry.label === "Ops without a prediction");
    expect(step).toMatchObject({ predictedMs: null, measuredMs: 0.6 });
  });

  it("starts each bar where the one before ends and ends at the total", () => {
    const bars = waterfallChart(prediction(), lightTheme).data.datasets[0]!.data;
    bars.slice(1, -1).forEach((bar, index) => {
      const [start] = bar.x as [number, number];
      const [, end] = bars[index]!.x as [number, number];
      expect(start).toBeCloseTo(end);
    });
    expect(bars.at(-1)).toMatchObject({ x: [0, 10.5], y: "Total" });
  });

  it("shows the unexplained rest only when something was measured", () => {
    const chart = waterfallChart(prediction(), lightTheme);
    const rest = chart.data.datasets.find((set) => set.label === "Unexplained rest");
    expect(rest?.data[0]).toMatchObject({ x: [10.5, 12] });
    expect(readTip({ raw: rest?.data[0] })?.[0]).toContain("1.50 ms more than predicted");
    const unmeasured = { ...prediction(), measuredMs: null, measuredOps: [] };
    expect(waterfallChart(unmeasured, lightTheme).data.datasets.map((set) => set.label)).toEqual([
      "Predicted",
    ]);
    expect(listWaterfall(unmeasured).rows.at(-1)).toEqual(["Total", 10.5, null, null]);
  });
});

describe("accuracy", () => {
  it("draws the baseline in grey and lists what the bars leave out", () => {
    const rows = [
      { learner: "boosting", ...scores },
      { learner: "flops", ...scores, mape: 22 },
    ];
    const mean = accuracyBars(rows, lightTheme).data.datasets[0]!;
    expect(mean.data.map((bar) => bar.x)).toEqual([4, 22]);
    expect(mean.borderColor).toEqual([lightTheme.predicted, lightTheme.neutral]);
    expect(listAccuracy(rows).rows[1]).toEqual(["FLOPs only (baseline)", 22, 3, 70, 95, 0.99, 9]);
  });
});

describe("learningCurveChart", () => {
  it("gives each learner its own line in order of training size", () => {
    const [boosting, flops] = learningCurveChart(curve, lightTheme).data.datasets;
    expect(boosting?.data.map((entry) => [entry.x, entry.y])).toEqual([
      [10, 9],
      [30, 5],
    ]);
    expect(flops?.label).toBe("FLOPs only (baseline)");
    const axis = learningCurveChart(curve, lightTheme).options?.scales?.["y"];
    expect(axis).toMatchObject({ type: "logarithmic", min: 5, max: 50 });
    const perfect = learningCurveChart([{ ...curve[0]!, mape: 0 }], lightTheme).options?.scales?.["y"];
    expect(perfect).toMatchObject({ type: "linear", min: 0 });
  });
});

describe("samples", () => {
  it("shows kept and dropped samples apart with the canary beside", () => {
    const [kept, dropped, canary] = samplesChart(samples, lightTheme).data.datasets;
    expect(kept?.data.map((entry) => entry.x)).toEqual([0, 1, 1.5]);
    expect(dropped?.data.map((entry) => entry.y)).toEqual([18]);
    expect(canary?.data.map((entry) => entry.y)).toEqual([1, 1.8, 1, 1]);
  });

  it("counts each sample in exactly one bin", () => {
    const many = Array.from({ length: 64 }, (_, index) =>
      sample(index, 10 + (index % 7) * 0.3, index % 5 !== 0),
    );
    const histogram = binSamples(many);
    const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);
    expect(total(histogram.kept)).toBe(many.filter((entry) => entry.kept).length);
    expect(total(histogram.dropped)).toBe(many.filter((entry) => !entry.kept).length);
    expect(histogram.edges.length).toBeGreaterThanOrEqual(5);
  });

  it("bins equal samples and none", () => {
    expect(binSamples([sample(0, 5, true), sample(1, 5, true)]).kept).toEqual([2]);
    expect(binSamples([]).edges).toEqual([]);
  });
});

describe("shares", () => {
  it("sums by label, largest first, and shows percent", () => {
    const parts = groupShares([
      { label: "ADD", value: 1 },
      { label: "CONV_2D", value: 4 },
      { label: "CONV_2D", value: 5 },
    ]);
    expect(parts).toEqual([
      { label: "CONV_2D", value: 9, count: 2 },
      { label: "ADD", value: 1, count: 1 },
    ]);
    const bars = shareBars(parts, lightTheme, { quantity: "FLOPs", kind: "computed", format: String });
    expect(bars.data.datasets[0]!.data.map((bar) => bar.x)).toEqual([90, 10]);
  });

  it("is zero, not NaN, when there is nothing to share", () => {
    const bars = shareBars([{ label: "ADD", value: 0, count: 1 }], lightTheme, {
      quantity: "FLOPs",
      kind: "computed",
      format: String,
    });
    expect(bars.data.datasets[0]!.data[0]!.x).toBe(0);
  });
});

describe("roundToStep", () => {
  it.each([
    [7.8, 5, 10],
    [10, 10, 10],
    [0.031, 0.02, 0.05],
    [260, 200, 500],
  ])("rounds %d down to %d and up to %d", (value, down, up) => {
    expect(roundToStep(value, "down")).toBe(down);
    expect(roundToStep(value, "up")).toBe(up);
  });
});

describe("telemetry", () => {
  const at = (minute: number, temperatureC: number | null, frequencyMhz: number | null): TelemetryPoint => ({
    at: new Date(Date.parse("2026-03-01T10:00:00Z") + minute * 60_000).toISOString(),
    cell: 1 + minute,
    temperatureC,
    frequencyMhz,
  });

  it("draws each reading once in minutes since the first, in the colour of what is measured", () => {
    const drawing = telemetryChart([at(0, 28, 2800), at(1, 29.5, null), at(3, null, 2100)], lightTheme);
    const [temperature, frequency] = drawing.data.datasets;
    expect(temperature!.data.map(({ x, y }) => [x, y])).toEqual([
      [0, 28],
      [1, 29.5],
    ]);
    expect(frequency!.data.map(({ x, y }) => [x, y])).toEqual([
      [0, 2.8],
      [3, 2.1],
    ]);
    expect(temperature!.borderColor).toBe(lightTheme.measured);
    expect(temperature!.data[1]!.tip).toEqual(["29.5 °C", "1.0 min, cell 2"]);
    const [brief] = telemetryChart([at(0, 28, null), at(1, 29.5, null)], lightTheme).data.datasets;
    expect(brief!.data[1]!.tip).toEqual(["29.5 °C", "60.0 s, cell 2"]);
    expect(JSON.parse(JSON.stringify(drawing))).toEqual(drawing);
  });

  it("leaves a gap where the run was paused for long", () => {
    const [temperature] = telemetryChart([at(0, 28, null), at(60, 35, null)], lightTheme).data.datasets;
    expect(temperature!.data.map(({ y }) => y)).toEqual([28, null, 35]);
  });

  it("is nothing to draw when the device tells nothing, and survives a clock that jumps", () => {
    expect(hasTelemetry([at(0, null, null)])).toBe(false);
    expect(hasTelemetry([at(0, null, 1800)])).toBe(true);
    expect(tellTelemetry([at(0, null, null)])).toBe("The device tells neither.");
    expect(tellTelemetry([at(0, 28, 2800), at(1, 31.25, 2800)])).toBe(
      "28.0 to 31.3 °C, 2.80 GHz, read before and after each cell.",
    );
    expect(telemetryChart([], darkTheme).data.datasets[0]!.data).toEqual([]);
    const jumped = listTelemetry([at(5, 28, null), at(0, 29, null), { ...at(0, 30, null), at: "?" }]);
    expect(jumped.rows.map(([minute]) => minute)).toEqual([0, 0, 0]);
  });
});
