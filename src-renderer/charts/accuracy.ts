import type { Scores } from "../../src-main/lab/contract.ts";
import { formatPercent } from "../../src-main/lab/format.ts";
import { describeAxis, describeOptions } from "./configuration.ts";
import type { BarChart, ChartTable } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** The scores of one learner, under the learner's name or the words to show for it. */
export type LearnerScores = { learner: string } & Scores;

/** The words shown for a learner; the FLOPs-only line is the baseline of every table. */
export function nameLearner(learner: string): string {
  const names: Record<string, string> = {
    flops: "FLOPs only (baseline)",
    additive: "A rate for each op class",
    shrunken: "Rates drawn to nominal costs",
    "end-to-end": "Rates by shape",
    lasso: "Lasso",
    boosting: "Boosting",
    forest: "Forest",
    perceptron: "Perceptron",
    "linear-boosting": "Linear + boosting",
    auto: "Automatic",
    roofline: "Roofline",
  };
  // A blend of learners is named by them: `lasso + boosting`.
  return learner
    .split(" + ")
    .map((name) => names[name] ?? name)
    .join(" + ");
}

/** Mean (solid) and median (hollow) error in percent of each learner; the FLOPs-only baseline is grey. */
export function accuracyBars(rows: readonly LearnerScores[], theme: ChartTheme): BarChart {
  const isBaseline = rows.map((row) => row.learner === "flops");
  const border = isBaseline.map((baseline) => (baseline ? theme.neutral : theme.predicted));
  const options = describeOptions(theme);
  return {
    type: "bar",
    data: {
      labels: rows.map((row) => nameLearner(row.learner)),
      datasets: [
        {
          label: "Mean error (MAPE)",
          data: rows.map((row) => ({
            x: row.mape,
            y: nameLearner(row.learner),
            tip: [`mean error ${formatPercent(row.mape)}, ${row.models} networks`],
          })),
          backgroundColor: border,
          borderColor: border,
          borderWidth: 1.5,
          pointStyle: "rect",
        },
        {
          label: "Median error",
          data: rows.map((row) => ({
            x: row.medianApe,
            y: nameLearner(row.learner),
            tip: [`median error ${formatPercent(row.medianApe)}, ${row.models} networks`],
          })),
          backgroundColor: isBaseline.map((baseline) => (baseline ? theme.neutralFill : theme.predictedFill)),
          borderColor: border,
          borderWidth: 1.5,
          pointStyle: "rectRounded",
        },
      ],
    },
    options: {
      ...options,
      indexAxis: "y",
      datasets: { bar: { barPercentage: 0.85, categoryPercentage: 0.7 } },
      scales: {
        x: { ...describeAxis("Error (%)", theme), min: 0 },
        y: { ...describeAxis("", theme), grid: { display: false }, title: { display: false } },
      },
    },
  };
}

/** The scores of learners as rows. */
export function listAccuracy(rows: readonly LearnerScores[]): ChartTable {
  return {
    columns: [
      "Learner",
      "MAPE (%)",
      "Median error (%)",
      "Within 5 % (%)",
      "Within 10 % (%)",
      "Spearman",
      "Networks",
    ],
    rows: rows.map((row) => [
      nameLearner(row.learner),
      row.mape,
      row.medianApe,
      row.within5,
      row.within10,
      row.spearman,
      row.models,
    ]),
  };
}
