import { formatError, formatMs } from "../../src-main/lab/format.ts";
import { describeOptions } from "./configuration.ts";
import type { PointChart } from "./configuration.ts";
import { describeIdentity, tolerance } from "./scatter.ts";
import type { ChartTheme } from "./theme.ts";

/** A network on a scenario as measured and as predicted. */
export interface StudyScatterPoint {
  network: string;
  scenario: string;
  measuredMs: number;
  predictedMs: number;
}

/**
 * Predicted against measured milliseconds of many scenarios, both logarithmic, with the identity line and a ±10 % band; points
 * outside are triangles. Points that are not positive have no place on a logarithm and are left out.
 */
export function studyScatterChart(points: readonly StudyScatterPoint[], theme: ChartTheme): PointChart {
  const drawable = points.filter(({ measuredMs, predictedMs }) => measuredMs > 0 && predictedMs > 0);
  const isClose = ({ measuredMs, predictedMs }: StudyScatterPoint) =>
    Math.abs(predictedMs - measuredMs) <= tolerance * measuredMs;
  const frame = describeIdentity(
    drawable.flatMap(({ measuredMs, predictedMs }) => [measuredMs, predictedMs]),
    theme,
  );
  const look = { borderColor: theme.predicted, borderWidth: 1 };
  return {
    type: "scatter",
    data: {
      datasets: [
        {
          ...look,
          label: "Within 10 %",
          data: drawable.filter(isClose).map(placePoint),
          backgroundColor: theme.predictedFill,
          pointRadius: 3,
          pointStyle: "circle",
        },
        {
          ...look,
          label: "Further off",
          data: drawable.filter((point) => !isClose(point)).map(placePoint),
          backgroundColor: theme.predicted,
          pointRadius: 4,
          pointStyle: "triangle",
        },
        ...frame.datasets,
      ],
    },
    options: { ...describeOptions(theme), scales: frame.scales },
  };
}

function placePoint({ network, scenario, measuredMs, predictedMs }: StudyScatterPoint) {
  const error = formatError(predictedMs / measuredMs - 1);
  return {
    x: measuredMs,
    y: predictedMs,
    tip: [
      `${network} on ${scenario}`,
      `measured ${formatMs(measuredMs)}`,
      `predicted ${formatMs(predictedMs)} (${error})`,
    ],
  };
}
