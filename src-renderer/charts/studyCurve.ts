import { formatPercent } from "../../src-main/lab/format.ts";
import { nameLearner } from "./accuracy.ts";
import { describeAxis, describeOptions, roundToStep } from "./configuration.ts";
import type { PointChart } from "./configuration.ts";
import type { ChartTheme } from "./theme.ts";

/** Mean error in percent of a learner at a training size. */
export interface StudyPoint {
  learner: string;
  trainSize: number;
  mape: number;
}

const pointStyles = ["circle", "rectRot", "triangle", "rect", "star"] as const;
const boundStyles = ["cross", "rectRounded"] as const;
const dashes: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [4, 4]];

/**
 * Mean error against the number of training networks, both logarithmic, for learning curves are powers: a line a learner, the
 * FLOPs-only baseline in grey. `limits` are curves nothing fitted can pass, such as the error with true kernel times, in blue.
 */
export function studyCurveChart(
  points: readonly StudyPoint[],
  limits: readonly StudyPoint[],
  theme: ChartTheme,
): PointChart {
  const drawable = points.filter(({ mape }) => mape > 0);
  const bounds = limits.filter(({ mape }) => mape > 0);
  const errors = [...drawable, ...bounds].map(({ mape }) => mape);
  const learners = namesOf(drawable);
  const ours = learners.filter((learner) => learner !== "flops");
  const lines = learners.map((learner) => {
    const style = Math.max(0, ours.indexOf(learner)) % pointStyles.length;
    const baseline = learner === "flops";
    return {
      ...describeLine(drawable, learner, baseline ? theme.neutral : theme.predicted, theme),
      borderDash: baseline ? [2, 4] : dashes[style]!,
      pointStyle: baseline ? ("crossRot" as const) : pointStyles[style]!,
    };
  });
  const boundLines = namesOf(bounds).map((limit, place) => ({
    ...describeLine(bounds, limit, theme.measured, theme),
    borderDash: dashes[(place + 1) % dashes.length]!,
    pointStyle: boundStyles[place % boundStyles.length]!,
  }));
  return {
    type: "scatter",
    data: { datasets: [...lines, ...boundLines] },
    options: {
      ...describeOptions(theme),
      scales: {
        x: {
          ...describeAxis("Training networks", theme),
          type: "linear",
          ticks: { color: theme.muted, precision: 0 },
        },
        y: {
          ...describeAxis("Mean error (%)", theme),
          type: "logarithmic",
          min: errors.length > 0 ? roundToStep(Math.min(...errors), "down") : 1,
          max: errors.length > 0 ? roundToStep(Math.max(...errors), "up") : 100,
        },
      },
    },
  };
}

function namesOf(points: readonly StudyPoint[]): string[] {
  return [...new Set(points.map(({ learner }) => learner))];
}

function describeLine(points: readonly StudyPoint[], learner: string, color: string, theme: ChartTheme) {
  return {
    type: "line" as const,
    label: nameLearner(learner),
    data: points
      .filter((point) => point.learner === learner)
      .sort((a, b) => a.trainSize - b.trainSize)
      .map(({ trainSize, mape }) => ({
        x: trainSize,
        y: mape,
        tip: [nameLearner(learner), `${formatPercent(mape)} with ${trainSize} networks`],
      })),
    borderColor: color,
    backgroundColor: theme.surface,
    borderWidth: 2,
    pointRadius: 5,
  };
}
