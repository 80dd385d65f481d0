import type { ClassScores, PredictedPoint } from "../../src-main/lab/contract.ts";
import { formatPercent } from "../../src-main/lab/format.ts";
import { meanOf } from "../../src-main/model/mean.ts";
import { median } from "../../src-main/model/median.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart, ChartTable } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** How far predictions of alike networks or kernels are off. */
export interface GroupError {
  name: string;
  /** Networks of a family, op rows of a kernel class. */
  count: number;
  /** Mean and median of the absolute errors in percent; null where there are too few to tell. */
  mape: number | null;
  medianApe: number | null;
  /** Mean of the signed errors in percent: above zero where predictions are too long; null where it is not known. */
  bias: number | null;
}

/** The errors of each family's networks, the family furthest off first. */
export function groupByFamily(points: readonly PredictedPoint[]): GroupError[] {
  const families = new Map<string, number[]>();
  for (const { family, measuredMs, predictedMs } of points) {
    if (!(measuredMs > 0)) continue;
    families.set(family, [...(families.get(family) ?? []), 100 * (predictedMs / measuredMs - 1)]);
  }
  return [...families]
    .map(([name, errors]) => {
      const sizes = errors.map(Math.abs);
      return {
        name,
        count: errors.length,
        mape: meanOf(sizes),
        medianApe: median(sizes),
        bias: meanOf(errors),
      };
    })
    .sort((a, b) => b.mape - a.mape || a.name.localeCompare(b.name));
}

/** The errors of kernel classes that were validated, those that take most of the time first. */
export function listClassErrors(classes: readonly ClassScores[]): GroupError[] {
  return classes
    .filter((entry) => entry.medianApe !== null)
    .toSorted((a, b) => b.timeShare - a.timeShare)
    .map(({ kernel, rows, medianApe }) => ({ name: kernel, count: rows, mape: null, medianApe, bias: null }));
}

/** More bars than these are no longer read as a picture. */
export const mostBars = 20;

/** Bars of error in percent, in the order given: the mean filled where it is known, the median hollow. */
export function groupErrorBars(groups: readonly GroupError[], counted: string, theme: ChartTheme): BarChart {
  const shown = groups.slice(0, mostBars);
  const series = [
    { label: "Mean error (MAPE)", key: "mape", fill: theme.predicted, pointStyle: "rect" },
    { label: "Median error", key: "medianApe", fill: theme.predictedFill, pointStyle: "rectRounded" },
  ] as const;
  const drawn = series.filter(({ key }) => shown.some((group) => group[key] !== null));
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: {
      labels: shown.map((group) => group.name),
      datasets: drawn.map(({ label, key, fill, pointStyle }) => ({
        label,
        data: shown.map((group) => ({
          x: group[key],
          y: group.name,
          tip: [`${label}: ${formatPercent(group[key])}, ${group.count} ${counted}`],
        })),
        backgroundColor: fill,
        borderColor: theme.predicted,
        borderWidth: 1.5,
        pointStyle,
      })),
    },
    options: {
      ...options,
      indexAxis: "y",
      plugins: { ...options.plugins, legend: { ...options.plugins.legend, display: drawn.length > 1 } },
      datasets: { bar: { barPercentage: 0.9, categoryPercentage: 0.8 } },
      scales: {
        x: {
          ...describeAxis(drawn.length === 1 ? `${drawn[0]!.label} (%)` : "Error (%)", theme),
          min: 0,
        },
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}

/** The errors as rows, all of them. */
export function listGroupErrors(groups: readonly GroupError[], name: string, counted: string): ChartTable {
  const whole = groups.some((group) => group.mape !== null);
  return {
    columns: [name, counted, ...(whole ? ["MAPE (%)", "Bias (%)"] : []), "Median error (%)"],
    rows: groups.map((group) => [
      group.name,
      group.count,
      ...(whole ? [group.mape, group.bias] : []),
      group.medianApe,
    ]),
  };
}

/** Which family is furthest off and which nearest, in a sentence; null with one family or none. */
export function tellFamilies(families: readonly GroupError[]): string | null {
  const [worst, best] = [families[0], families.at(-1)];
  if (!worst || !best || worst === best) return null;
  const way =
    Math.abs(worst.bias ?? 0) < (worst.mape ?? 0) / 2
      ? ""
      : (worst.bias ?? 0) > 0
        ? ", too long"
        : ", too short";
  return `Furthest off is ${worst.name} (${formatPercent(worst.mape)}${way}), nearest ${best.name} (${formatPercent(best.mape)}).`;
}
