import { formatPercent } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** Errors in percent of one name, one for each series; null where there is none. */
export interface ErrorBarGroup {
  name: string;
  errors: (number | null)[];
}

/** Bars of error beside names; the first series is filled, the second pale, the third grey. */
export function errorBarsChart(
  series: readonly string[],
  groups: readonly ErrorBarGroup[],
  theme: ChartTheme,
): BarChart {
  const looks = [
    { backgroundColor: theme.predicted, borderColor: theme.predicted, pointStyle: "rect" },
    { backgroundColor: theme.predictedFill, borderColor: theme.predicted, pointStyle: "rectRounded" },
    { backgroundColor: theme.neutralFill, borderColor: theme.neutral, pointStyle: "rectRot" },
  ] as const;
  return {
    type: "bar",
    data: {
      labels: groups.map(({ name }) => name),
      datasets: series.map((label, place) => ({
        label,
        data: groups.map(({ name, errors }) => {
          const error = errors[place] ?? null;
          return { x: error, y: name, tip: [`${name}, ${label}: ${formatPercent(error)}`] };
        }),
        borderWidth: 1.5,
        ...looks[place % looks.length]!,
      })),
    },
    options: {
      ...describeOptions(theme),
      indexAxis: "y",
      datasets: { bar: { barPercentage: 0.9, categoryPercentage: 0.8 } },
      scales: {
        x: { ...describeAxis("Mean error (%)", theme), min: 0 },
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}
