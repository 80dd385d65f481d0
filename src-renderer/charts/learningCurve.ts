import type { EvaluationRow } from "../../src-main/lab/contract.ts";
import { formatPercent } from "../../src-main/lab/format.ts";
import { nameLearner } from "./accuracy.ts";
import { describeAxis, describeOptions, roundToStep } from "./configuration.ts";
import type { ChartTable, PointChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

const pointStyles = ["circle", "rectRot", "triangle", "rect", "star"] as const;
const dashes: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4]];

/** Mean error in percent against the number of training networks, a line a learner; the baseline is grey and dotted. */
export function learningCurveChart(rows: readonly EvaluationRow[], theme: ChartTheme): PointChart {
  const learners = [...new Set(rows.map((row) => row.learner))];
  const ours: string[] = learners.filter((learner) => learner !== "flops");
  const options = describeOptions(theme);
  return {
    type: "scatter",
    data: {
      datasets: learners.map((learner) => {
        const style = Math.max(0, ours.indexOf(learner)) % pointStyles.length;
        const baseline = learner === "flops";
        const color = baseline ? theme.neutral : theme.predicted;
        return {
          type: "line" as const,
          label: nameLearner(learner),
          data: rows
            .filter((row) => row.learner === learner)
            .sort((a, b) => a.trainSize - b.trainSize)
            .map((row) => ({
              x: row.trainSize,
              y: row.mape,
              tip: [
                nameLearner(learner),
                `${formatPercent(row.mape)} with ${row.trainSize} networks`,
                `${row.splits} splits, ${row.models} predictions`,
              ],
            })),
          borderColor: color,
          backgroundColor: theme.surface,
          borderWidth: 2,
          borderDash: baseline ? [2, 4] : dashes[style],
          pointStyle: baseline ? ("crossRot" as const) : pointStyles[style],
          pointRadius: 5,
        };
      }),
    },
    options: {
      ...options,
      scales: {
        x: {
          ...describeAxis("Training networks", theme),
          type: "linear",
          ticks: { color: theme.muted, precision: 0 },
        },
        y: describeErrorAxis(rows, theme),
      },
    },
  };
}

// Errors fall as powers of the training size, and the baseline lies far above: a logarithm shows both.
function describeErrorAxis(rows: readonly EvaluationRow[], theme: ChartTheme) {
  const axis = describeAxis("Mean error (%)", theme);
  const errors = rows.map((row) => row.mape);
  if (errors.length === 0 || Math.min(...errors) <= 0) return { ...axis, type: "linear" as const, min: 0 };
  return {
    ...axis,
    type: "logarithmic" as const,
    min: roundToStep(Math.min(...errors), "down"),
    max: roundToStep(Math.max(...errors), "up"),
  };
}

/** The rows of a learning curve for reading. */
export function listLearningCurve(rows: readonly EvaluationRow[]): ChartTable {
  return {
    columns: ["Learner", "Training networks", "MAPE (%)", "Median error (%)", "Within 10 % (%)", "Splits"],
    rows: rows.map((row) => [
      nameLearner(row.learner),
      row.trainSize,
      row.mape,
      row.medianApe,
      row.within10,
      row.splits,
    ]),
  };
}
