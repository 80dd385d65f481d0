import { formatPercent } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart, ChartTable } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** A part of a whole, e.g. the FLOPs or the time of one op type. */
export interface SharePart {
  label: string;
  value: number;
  /** How many things the part counts, e.g. ops. */
  count: number;
}

/** What the parts are parts of; measured time is blue, predicted time orange, anything else grey. */
export interface ShareMeaning {
  /** e.g. `FLOPs`. */
  quantity: string;
  kind: "measured" | "predicted" | "computed";
  format: (value: number) => string;
}

/** Sums values by label, largest first. */
export function groupShares(entries: readonly { label: string; value: number }[]): SharePart[] {
  const parts = new Map<string, SharePart>();
  for (const { label, value } of entries) {
    const part = parts.get(label) ?? { label, value: 0, count: 0 };
    part.value += value;
    part.count++;
    parts.set(label, part);
  }
  return [...parts.values()].sort((a, b) => b.value - a.value || a.label.localeCompare(b.label));
}

/** Each part's share of the whole in percent as a bar, in the order given. */
export function shareBars(parts: readonly SharePart[], theme: ChartTheme, meaning: ShareMeaning): BarChart {
  const total = totalOf(parts);
  const colors = {
    measured: [theme.measuredFill, theme.measured],
    predicted: [theme.predictedFill, theme.predicted],
    computed: [theme.neutralFill, theme.neutral],
  } as const;
  const [fill, border] = colors[meaning.kind];
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: {
      labels: parts.map((part) => part.label),
      datasets: [
        {
          label: `Share of ${meaning.quantity}`,
          data: parts.map((part) => ({
            x: share(part.value, total),
            y: part.label,
            tip: [
              `${formatPercent(share(part.value, total))}: ${meaning.format(part.value)} in ${part.count} ${part.count === 1 ? "op" : "ops"}`,
            ],
          })),
          backgroundColor: fill,
          borderColor: border,
          borderWidth: 1,
          pointStyle: "rect",
        },
      ],
    },
    options: {
      ...options,
      indexAxis: "y",
      plugins: { ...options.plugins, legend: { display: false } },
      datasets: { bar: { barPercentage: 0.9, categoryPercentage: 0.8 } },
      scales: {
        x: { ...describeAxis(`Share of ${meaning.quantity} (%)`, theme), min: 0 },
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}

/** The parts as rows. */
export function listShares(parts: readonly SharePart[], meaning: ShareMeaning): ChartTable {
  const total = totalOf(parts);
  return {
    columns: ["Type", "Ops", meaning.quantity, "Share (%)"],
    rows: parts.map((part) => [part.label, part.count, part.value, share(part.value, total)]),
  };
}

function totalOf(parts: readonly SharePart[]): number {
  let total = 0;
  for (const part of parts) total += part.value;
  return total;
}

function share(value: number, total: number): number {
  return total > 0 ? (100 * value) / total : 0;
}
