import {
  formatBytes,
  formatCount,
  formatFlops,
  formatMs,
  formatShortCount,
} from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart, ChartTable } from "./configuration.ts";
import { subtractSides } from "./modelComparison.ts";
import type { ComparedPart, Quantity, Sides } from "./modelComparison.ts";
import { tellStage } from "./opStages.ts";
import type { ChartTheme } from "./theme.ts";

/** How each quantity is named and written, and the unit of its number. */
export const quantityWords: Record<
  Quantity,
  { name: string; unit?: string; format: (value: number | null) => string }
> = {
  ops: { name: "Ops", format: formatCount },
  flops: { name: "FLOPs", format: formatFlops },
  params: { name: "Parameters", format: formatShortCount },
  bytes: { name: "Traffic", unit: "bytes", format: formatBytes },
  measured: { name: "■ Measured", unit: "ms", format: formatMs },
  predicted: { name: "□ Predicted", unit: "ms", format: formatMs },
};

/** A difference as it reads, with its sign: `+51.4 MFLOPs`, `−3`, `0`. */
export function formatDifference(quantity: Quantity, difference: number | null): string {
  if (difference === null) return "–";
  if (difference === 0) return "0";
  return `${difference > 0 ? "+" : "−"}${quantityWords[quantity].format(Math.abs(difference))}`;
}

/** A ratio of the sides as it reads: `×1.73`; a dash where it says nothing. */
export function formatRatio({ a, b }: Sides): string {
  if (a === null || b === null || a === 0) return "–";
  return `×${(b / a).toLocaleString("en-US", { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })}`;
}

/** What a part is called: its class, its stage, or both. */
export function namePart({ stage, opClass }: ComparedPart, by: "class" | "stage"): string {
  return by === "class" ? opClass : tellStage(stage);
}

/**
 * How much more (to the right) or less (to the left) the second network has of a quantity in each part, as bars; parts where
 * it is not known on both sides are left out.
 */
export function differenceBars(
  parts: readonly ComparedPart[],
  quantity: Quantity,
  by: "class" | "stage",
  names: { a: string; b: string },
  theme: ChartTheme,
): BarChart {
  const { name, format } = quantityWords[quantity];
  const known = knownParts(parts, quantity);
  const unit = chooseUnit(known, quantity);
  const [fill, border] =
    quantity === "measured"
      ? [theme.measuredFill, theme.measured]
      : quantity === "predicted"
        ? [theme.predictedFill, theme.predicted]
        : [theme.neutralFill, theme.neutral];
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: {
      labels: known.map((part) => namePart(part, by)),
      datasets: [
        {
          label: `Difference of ${name}`,
          data: known.map((part) => {
            const { a, b } = part.quantities[quantity];
            return {
              x: subtractSides({ a, b })! / unit.size,
              y: namePart(part, by),
              tip: [
                formatDifference(quantity, subtractSides({ a, b })),
                `A ${names.a}: ${format(a)}`,
                `B ${names.b}: ${format(b)}`,
              ],
            };
          }),
          backgroundColor: fill,
          borderColor: border,
          borderWidth: 1,
          // A bar to the left has its open end there.
          borderSkipped: false,
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
        x: describeAxis(`${name}, B − A${unit.name === "" ? "" : ` (${unit.name})`}`, theme),
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}

function knownParts(parts: readonly ComparedPart[], quantity: Quantity): ComparedPart[] {
  return parts.filter((part) => subtractSides(part.quantities[quantity]) !== null);
}

// The axis counts in the unit that its largest bar is written in.
function chooseUnit(parts: readonly ComparedPart[], quantity: Quantity): { name: string; size: number } {
  const { unit } = quantityWords[quantity];
  if (unit === "ms" || quantity === "ops") return { name: unit ?? "", size: 1 };
  const word = quantity === "flops" ? "FLOPs" : quantity === "bytes" ? "B" : "";
  const largest = parts.reduce(
    (most, part) => Math.max(most, Math.abs(subtractSides(part.quantities[quantity])!)),
    0,
  );
  for (const [prefix, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const)
    if (largest >= size) return { name: `${prefix}${word}`, size };
  return { name: word, size: 1 };
}

/** The parts as rows: both sides and the difference. */
export function listDifferences(
  parts: readonly ComparedPart[],
  quantity: Quantity,
  by: "class" | "stage",
): ChartTable {
  const { name, unit } = quantityWords[quantity];
  const words = unit ? `${name} (${unit})` : name;
  return {
    columns: [by === "class" ? "Op class" : "Stage", `${words} A`, `${words} B`, "B − A"],
    rows: parts.map((part) => {
      const { a, b } = part.quantities[quantity];
      return [namePart(part, by), a, b, subtractSides({ a, b })];
    }),
  };
}

/** In one sentence: where the second network has most more and most less. */
export function summarizeDifferences(
  parts: readonly ComparedPart[],
  quantity: Quantity,
  by: "class" | "stage",
): string {
  const known = knownParts(parts, quantity)
    .map((part) => ({ part, difference: subtractSides(part.quantities[quantity])! }))
    .toSorted((a, b) => b.difference - a.difference);
  const tell = (entry: (typeof known)[number]) =>
    `${formatDifference(quantity, entry.difference)} in ${by === "class" ? "" : "stage "}${namePart(entry.part, by)}`;
  const [most, least] = [known[0], known.at(-1)];
  const told = [
    ...(most && most.difference > 0 ? [tell(most)] : []),
    ...(least && least.difference < 0 ? [tell(least)] : []),
  ];
  return told.length === 0 ? "B has as much as A everywhere." : `B has ${told.join(" and ")}.`;
}
