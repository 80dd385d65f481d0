import type { PredictedPoint } from "../../src-main/lab/contract.ts";
import { formatError, formatMs } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions, roundToStep } from "./configuration.ts";
import type { ChartPoint, ChartTable, PointChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** Predictions this far off, as a fraction, still count as close. */
export const tolerance = 0.1;

/**
 * Predicted against measured milliseconds, both logarithmic, with the identity line, a ±10 % band and each prediction's
 * interval. Networks outside the band are triangles, so that they stand out without colour. Points that are not positive
 * have no place on a logarithm and are left out.
 */
export function scatterChart(points: readonly PredictedPoint[], theme: ChartTheme): PointChart {
  const drawable = points.filter((point) => point.measuredMs > 0 && point.predictedMs > 0);
  const frame = describeIdentity(
    drawable.flatMap((point) => [point.measuredMs, point.predictedMs]),
    theme,
  );
  const isClose = (point: PredictedPoint) =>
    Math.abs(point.predictedMs - point.measuredMs) <= tolerance * point.measuredMs;
  const options = describeOptions(theme);
  return {
    type: "scatter",
    data: {
      datasets: [
        {
          label: "Within 10 %",
          data: drawable.filter(isClose).map(placePoint),
          backgroundColor: theme.predictedFill,
          borderColor: theme.predicted,
          borderWidth: 1.5,
          pointRadius: 4,
          pointStyle: "circle",
        },
        {
          label: "Further off",
          data: drawable.filter((point) => !isClose(point)).map(placePoint),
          backgroundColor: theme.predicted,
          borderColor: theme.predicted,
          pointRadius: 5,
          pointStyle: "triangle",
        },
        {
          ...quiet,
          label: "Interval",
          data: drawable.flatMap((point) => [
            { x: point.measuredMs, y: Math.max(point.lowMs, frame.low / 2) },
            { x: point.measuredMs, y: point.highMs },
            { x: point.measuredMs, y: null },
          ]),
          borderColor: theme.predicted,
          borderWidth: 0.75,
          pointStyle: "line",
        },
        ...frame.datasets,
      ],
    },
    options: { ...options, scales: frame.scales },
  };
}

const quiet = { type: "line" as const, pointRadius: 0, pointHitRadius: 0 };

/** Logarithmic axes around positive values in milliseconds, with the line predicted = measured and a ±10 % band on them. */
export function describeIdentity(values: readonly number[], theme: ChartTheme) {
  const low = values.length > 0 ? roundToStep(Math.min(...values), "down") : 1;
  const high = values.length > 0 ? Math.max(roundToStep(Math.max(...values), "up"), low * 2) : 100;
  const line = (factor: number): ChartPoint[] => [low, high].map((x) => ({ x, y: x * factor }));
  const axis = (title: string) => ({
    ...describeAxis(title, theme),
    // Upright labels that would run into each other are left out.
    ticks: { color: theme.muted, maxRotation: 0, autoSkipPadding: 8 },
    type: "logarithmic" as const,
    min: low,
    max: high,
  });
  const datasets = [
    {
      ...quiet,
      label: "Predicted = measured",
      data: line(1),
      borderColor: theme.measured,
      borderDash: [6, 4],
      borderWidth: 1.5,
      pointStyle: "line" as const,
    },
    {
      ...quiet,
      label: "±10 %",
      // Around the band and back, so that one shape is filled and named once.
      data: [...line(1 - tolerance), ...line(1 + tolerance).reverse()],
      borderWidth: 0,
      backgroundColor: theme.band,
      fill: "shape" as const,
      pointStyle: "rect" as const,
    },
  ];
  return { low, datasets, scales: { x: axis("Measured (ms)"), y: axis("Predicted (ms)") } };
}

function placePoint(point: PredictedPoint): ChartPoint {
  return {
    x: point.measuredMs,
    y: point.predictedMs,
    tip: [
      point.model,
      `measured ${formatMs(point.measuredMs)}`,
      `predicted ${formatMs(point.predictedMs)} (${formatError(point.predictedMs / point.measuredMs - 1)})`,
      `interval ${formatMs(point.lowMs)} to ${formatMs(point.highMs)}`,
    ],
  };
}

/** The networks of a scatter as rows, furthest off first. */
export function listPoints(points: readonly PredictedPoint[]): ChartTable {
  const errorOf = (point: PredictedPoint) => point.predictedMs / point.measuredMs - 1;
  return {
    columns: ["Model", "Family", "Measured (ms)", "Predicted (ms)", "Low (ms)", "High (ms)", "Error (%)"],
    rows: [...points]
      .sort((a, b) => Math.abs(errorOf(b)) - Math.abs(errorOf(a)))
      .map((point) => [
        point.model,
        point.family,
        point.measuredMs,
        point.predictedMs,
        point.lowMs,
        point.highMs,
        100 * errorOf(point),
      ]),
  };
}
