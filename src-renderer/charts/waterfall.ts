import type { OpPrediction, Prediction } from "../../src-main/lab/contract.ts";
import { formatError, formatMs } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart, ChartBar, ChartTable } from "./configuration.ts";
import { listKernelOps, measureKernels, nameKernel } from "./kernelTimes.ts";
import type { ChartTheme } from "./theme.ts";

/** One step of a waterfall: what was predicted and measured for it, null where nothing was. */
export interface WaterfallStep {
  label: string;
  predictedMs: number | null;
  measuredMs: number | null;
}

const defaultLimit = 24;

/**
 * The steps of a network's time in execution order: its largest ops (`limit` of them, the rest of a stretch folded into one
 * step), then the time between ops. They sum to the predicted and the measured total. What the runtime measured inside one
 * op but the predictor gives another (fused kernels) meets in the step of the kernel that runs both.
 */
export function listSteps(prediction: Prediction, limit: number = defaultLimit): WaterfallStep[] {
  const measured = measureKernels(prediction.ops, prediction.measuredOps);
  const hasMeasuredOps = prediction.measuredOps.length > 0;
  const known = new Set(prediction.ops.flatMap(listKernelOps));
  const weigh = (op: OpPrediction) => Math.max(op.ms, measured.get(op) ?? 0);
  const shown = new Set([...prediction.ops].sort((a, b) => weigh(b) - weigh(a)).slice(0, limit));
  const steps: WaterfallStep[] = [];
  let folded: OpPrediction[] = [];
  function closeFold(): void {
    if (folded.length === 0) return;
    const first = folded[0]!;
    const last = folded.at(-1)!;
    steps.push({
      label:
        folded.length === 1
          ? nameKernel(first)
          : `#${first.index}–${last.index} ${folded.length} smaller ops`,
      predictedMs: sum(folded.map((op) => op.ms)),
      measuredMs: hasMeasuredOps ? sum(folded.map((op) => measured.get(op) ?? 0)) : null,
    });
    folded = [];
  }
  for (const op of [...prediction.ops].sort((a, b) => a.index - b.index)) {
    if (!shown.has(op)) {
      folded.push(op);
      continue;
    }
    closeFold();
    steps.push({
      label: nameKernel(op),
      predictedMs: op.ms,
      measuredMs: hasMeasuredOps ? (measured.get(op) ?? 0) : null,
    });
  }
  closeFold();
  const unmatched = sum(prediction.measuredOps.filter(({ op }) => !known.has(op)).map(({ ms }) => ms));
  if (unmatched > 0)
    steps.push({ label: "Ops without a prediction", predictedMs: null, measuredMs: unmatched });
  const measuredBetween =
    prediction.measuredMs !== null && hasMeasuredOps
      ? prediction.measuredMs - sum(prediction.measuredOps.map(({ ms }) => ms))
      : null;
  steps.push({
    label: "Between ops",
    predictedMs: prediction.overheadMs,
    measuredMs: measuredBetween,
  });
  return steps;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/**
 * Where a network's time goes: each step begins where the one before ends, predicted (hollow orange) above measured (solid
 * blue), down to the totals and the rest of the measurement that the prediction does not explain.
 */
export function waterfallChart(prediction: Prediction, theme: ChartTheme, limit?: number): BarChart {
  const steps = listSteps(prediction, limit);
  const predicted = chainBars(steps, "predictedMs");
  const measured = chainBars(steps, "measuredMs");
  predicted.push({
    x: [0, prediction.latencyMs],
    y: "Total",
    tip: [`predicted total ${formatMs(prediction.latencyMs)}`],
  });
  const datasets: BarChart["data"]["datasets"] = [
    {
      label: "Predicted",
      data: predicted,
      backgroundColor: theme.predictedFill,
      borderColor: theme.predicted,
      borderWidth: 1.5,
      pointStyle: "rectRounded",
      grouped: true,
    },
  ];
  const labels = [...steps.map((step) => step.label), "Total"];
  if (prediction.measuredMs !== null) {
    const rest = prediction.measuredMs - prediction.latencyMs;
    measured.push({
      x: [0, prediction.measuredMs],
      y: "Total",
      tip: [`measured total ${formatMs(prediction.measuredMs)}`],
    });
    labels.push("Unexplained rest");
    datasets.push(
      {
        label: "Measured",
        data: measured,
        backgroundColor: theme.measuredFill,
        borderColor: theme.measured,
        borderWidth: 1,
        pointStyle: "rect",
      },
      {
        label: "Unexplained rest",
        data: [
          {
            x: [prediction.latencyMs, prediction.measuredMs],
            y: "Unexplained rest",
            tip: [
              `${formatMs(Math.abs(rest))} ${rest >= 0 ? "more" : "less"} than predicted (${formatError(-rest / prediction.measuredMs)})`,
            ],
          },
        ],
        backgroundColor: theme.neutralFill,
        borderColor: theme.warning,
        borderWidth: 1.5,
        pointStyle: "crossRot",
        grouped: false,
      },
    );
  }
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: { labels, datasets },
    options: {
      ...options,
      indexAxis: "y",
      datasets: {
        bar: { barPercentage: 0.9, categoryPercentage: 0.86, minBarLength: 1, borderSkipped: false },
      },
      scales: {
        x: { ...describeAxis("Time (ms)", theme), min: 0, position: "top" },
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}

function chainBars(steps: readonly WaterfallStep[], key: "predictedMs" | "measuredMs"): ChartBar[] {
  const word = key === "predictedMs" ? "predicted" : "measured";
  const bars: ChartBar[] = [];
  let at = 0;
  for (const step of steps) {
    const ms = step[key];
    if (ms === null) continue;
    bars.push({ x: [at, at + ms], y: step.label, tip: [`${word} ${formatMs(ms)}`] });
    at += ms;
  }
  return bars;
}

/** The steps of a waterfall, the totals and the unexplained rest as rows. */
export function listWaterfall(prediction: Prediction): ChartTable {
  const rows = listSteps(prediction, Number.POSITIVE_INFINITY).map((step) => [
    step.label,
    step.predictedMs,
    step.measuredMs,
    step.predictedMs !== null && step.measuredMs !== null ? step.measuredMs - step.predictedMs : null,
  ]);
  const { latencyMs, measuredMs } = prediction;
  rows.push(["Total", latencyMs, measuredMs, measuredMs === null ? null : measuredMs - latencyMs]);
  return { columns: ["Step", "Predicted (ms)", "Measured (ms)", "Measured − predicted (ms)"], rows };
}
