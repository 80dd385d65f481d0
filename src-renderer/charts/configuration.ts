import type { ChartConfiguration } from "chart.js";
import type { ChartTheme } from "./theme.ts";

/** A point of a scatter or line; `y` null leaves a gap; `tip` holds the lines its tooltip shows. */
export interface ChartPoint {
  x: number;
  y: number | null;
  tip?: string[];
}

/** A bar beside its category: its length, or where it starts and ends. */
export interface ChartBar {
  x: number | [number, number] | null;
  y: string;
  tip?: string[];
}

/** Points and lines over two number axes. JSON-only, so that a report can embed it as it stands. */
export type PointChart = ChartConfiguration<"scatter" | "line", ChartPoint[], string>;
/** Horizontal bars over categories. JSON-only. */
export type BarChart = ChartConfiguration<"bar", ChartBar[], string>;
/** Vertical bars over bins. JSON-only. */
export type BinChart = ChartConfiguration<"bar", number[], string>;
/** What a chart function gives: a Chart.js configuration without functions in it. */
export type ChartDrawing = PointChart | BarChart | BinChart;

/** The same numbers for reading: a header and rows of text or numbers. */
export interface ChartTable {
  columns: string[];
  rows: (string | number | null)[][];
}

/** Options of one axis in the theme's colours; `title` names quantity and unit. */
export function describeAxis(title: string, theme: ChartTheme) {
  return {
    title: { display: true, text: title, color: theme.muted },
    ticks: { color: theme.muted },
    grid: { color: theme.grid },
    border: { color: theme.grid },
  };
}

/** Options every chart shares: fills its box, does not animate, tells the nearest point. */
export function describeOptions(theme: ChartTheme) {
  return {
    responsive: true,
    maintainAspectRatio: false,
    animation: false as const,
    locale: "en",
    plugins: {
      legend: {
        position: "top" as const,
        align: "start" as const,
        labels: { color: theme.text, usePointStyle: true, boxHeight: 7, padding: 14 },
      },
      tooltip: {
        backgroundColor: theme.text,
        titleColor: theme.surface,
        bodyColor: theme.surface,
        usePointStyle: true,
      },
    },
  };
}

/** The lines a hovered point tells of itself, or undefined for Chart.js's own; give it as `tooltip.callbacks.label`. */
export function readTip(context: { raw: unknown }): string[] | undefined {
  const raw = context.raw;
  if (typeof raw !== "object" || raw === null || !("tip" in raw)) return undefined;
  return Array.isArray(raw.tip) ? raw.tip.map(String) : undefined;
}

/** The next 1, 2 or 5 times a power of ten at or below (`down`) or at or above (`up`) a positive value. */
export function roundToStep(value: number, direction: "down" | "up"): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((step) => Number((step * power).toPrecision(12)));
  const slack = 1e-9 * value;
  if (direction === "down") return steps.filter((step) => step <= value + slack).at(-1) ?? power;
  return steps.find((step) => step >= value - slack) ?? 10 * power;
}
