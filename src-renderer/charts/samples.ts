import type { Sample } from "../../src-main/lab/contract.ts";
import { formatMs } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BinChart, ChartTable, PointChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/**
 * Samples over the seconds of a measurement: kept ones as blue circles, dropped ones as grey crosses, and the canary beside
 * them as a dashed line on its own axis, which tells the device's speed at the time.
 */
export function samplesChart(samples: readonly Sample[], theme: ChartTheme): PointChart {
  const place = (sample: Sample) => ({
    x: sample.atMs / 1000,
    y: sample.ms,
    tip: [
      `${formatMs(sample.ms)}, ${sample.kept ? "kept" : "dropped"}`,
      `canary ${formatMs(sample.canaryBeforeMs)} before, ${formatMs(sample.canaryAfterMs)} after`,
      ...(sample.waitedMs === null ? [] : [`waited ${formatMs(sample.waitedMs)} for a core`]),
    ],
  });
  const canary = samples
    .filter((sample) => sample.canaryBeforeMs !== null)
    .map((sample) => ({
      x: sample.atMs / 1000,
      y: sample.canaryBeforeMs,
      tip: [`canary ${formatMs(sample.canaryBeforeMs)}`],
    }));
  const options = describeOptions(theme);
  const axis = (title: string) => ({ ...describeAxis(title, theme), type: "linear" as const });
  return {
    type: "scatter",
    data: {
      datasets: [
        {
          label: "Kept",
          data: samples.filter((sample) => sample.kept).map(place),
          backgroundColor: theme.measuredFill,
          borderColor: theme.measured,
          pointRadius: 3.5,
          pointStyle: "circle",
        },
        {
          label: "Dropped",
          data: samples.filter((sample) => !sample.kept).map(place),
          borderColor: theme.dropped,
          borderWidth: 1.5,
          pointRadius: 3.5,
          pointStyle: "crossRot",
        },
        {
          type: "line",
          label: "Canary (right axis)",
          data: canary,
          yAxisID: "canary",
          borderColor: theme.neutral,
          borderWidth: 1,
          borderDash: [4, 3],
          pointRadius: 0,
          pointStyle: "line",
        },
      ],
    },
    options: {
      ...options,
      scales: {
        x: { ...axis("Time since the start (s)"), min: 0 },
        y: { ...axis("Inference (ms)"), min: 0, grace: "5%" },
        canary: {
          ...axis("Canary (ms)"),
          position: "right",
          display: canary.length > 0,
          min: 0,
          grace: "30%",
          grid: { display: false },
        },
      },
    },
  };
}

/** The samples of a measurement as rows. */
export function listSamples(samples: readonly Sample[]): ChartTable {
  return {
    columns: [
      "At (s)",
      "Inference (ms)",
      "Kept",
      "Canary before (ms)",
      "Canary after (ms)",
      "Waited for a core (ms)",
    ],
    rows: samples.map((sample) => [
      sample.atMs / 1000,
      sample.ms,
      sample.kept ? "yes" : "no",
      sample.canaryBeforeMs,
      sample.canaryAfterMs,
      sample.waitedMs,
    ]),
  };
}

/** Counts of kept and dropped samples in bins of equal width. */
export interface Histogram {
  /** Lower edges in ms, one a bin. */
  edges: number[];
  widthMs: number;
  kept: number[];
  dropped: number[];
}

/** Bins by the Freedman–Diaconis rule over all samples, at least 5 and at most 40. */
export function binSamples(samples: readonly Sample[]): Histogram {
  if (samples.length === 0) return { edges: [], widthMs: 0, kept: [], dropped: [] };
  const sorted = samples.map((sample) => sample.ms).sort((a, b) => a - b);
  const low = sorted[0]!;
  const high = sorted.at(-1)!;
  const quartile = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  const width = (2 * (quartile(0.75) - quartile(0.25))) / Math.cbrt(sorted.length);
  const range = high - low;
  const bins = range === 0 ? 1 : Math.min(40, Math.max(5, Math.ceil(range / (width || range))));
  const widthMs = range / bins;
  const histogram: Histogram = {
    edges: Array.from({ length: bins }, (_, bin) => low + bin * widthMs),
    widthMs,
    kept: new Array<number>(bins).fill(0),
    dropped: new Array<number>(bins).fill(0),
  };
  for (const sample of samples) {
    const bin = widthMs === 0 ? 0 : Math.min(bins - 1, Math.floor((sample.ms - low) / widthMs));
    const counts = sample.kept ? histogram.kept : histogram.dropped;
    counts[bin] = counts[bin]! + 1;
  }
  return histogram;
}

/** How often an inference took how long: kept samples blue, dropped ones hollow grey on top. */
export function histogramChart(samples: readonly Sample[], theme: ChartTheme): BinChart {
  const histogram = binSamples(samples);
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: {
      labels: histogram.edges.map((edge) => formatMs(edge + histogram.widthMs / 2)),
      datasets: [
        {
          label: "Kept",
          data: histogram.kept,
          backgroundColor: theme.measuredFill,
          borderColor: theme.measured,
          borderWidth: 1,
          pointStyle: "rect",
        },
        {
          label: "Dropped",
          data: histogram.dropped,
          backgroundColor: "transparent",
          borderColor: theme.dropped,
          borderWidth: 1.5,
          pointStyle: "rectRounded",
        },
      ],
    },
    options: {
      ...options,
      datasets: { bar: { barPercentage: 1, categoryPercentage: 0.92 } },
      scales: {
        x: { ...describeAxis("Inference", theme), stacked: true, grid: { display: false } },
        y: {
          ...describeAxis("Samples", theme),
          stacked: true,
          min: 0,
          ticks: { color: theme.muted, precision: 0 },
        },
      },
    },
  };
}

/** The bins of a histogram as rows. */
export function listBins(samples: readonly Sample[]): ChartTable {
  const histogram = binSamples(samples);
  return {
    columns: ["From (ms)", "To (ms)", "Kept", "Dropped"],
    rows: histogram.edges.map((edge, bin) => [
      edge,
      edge + histogram.widthMs,
      histogram.kept[bin]!,
      histogram.dropped[bin]!,
    ]),
  };
}
