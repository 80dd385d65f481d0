import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import { errorBarsChart } from "../../src-renderer/charts/errorBars.ts";
import { studyCurveChart, type StudyPoint } from "../../src-renderer/charts/studyCurve.ts";
import { studyScatterChart, type StudyScatterPoint } from "../../src-renderer/charts/studyScatter.ts";
import { findLeadingLearner, nameProtocol, type AccuracyResult, type Kind } from "./accuracyResult.ts";
import type { PageChart } from "./page.ts";

/** The charts of a kind: learning curves, predicted against measured, errors by family and by kernel class. */
export function listAccuracyCharts(result: AccuracyResult, kind: Kind): PageChart[] {
  const { table } = result;
  const learner = findLeadingLearner(table, kind);
  const { points, limits } = listCurves(result, kind);
  const scattered = listScatterPoints(result, kind, learner);
  const errors = table.families.filter((row) => row.kind === kind && row.learner === learner);
  const protocols = [...new Set(errors.map(({ protocol }) => protocol))];
  const families = [...new Set(errors.map(({ family }) => family))].map((name) => ({
    name,
    errors: protocols.map(
      (protocol) => errors.find((row) => row.family === name && row.protocol === protocol)?.mape ?? null,
    ),
  }));
  const classes = kind === "gpu" ? table.classes.filter((row) => row.learner === learner) : [];
  const charts: PageChart[] = [];
  if (points.length > 0)
    charts.push({
      id: `${kind}-curve`,
      title: "Mean error against training networks",
      height: 380,
      draw: (theme) => studyCurveChart(points, limits, theme),
    });
  if (scattered.length > 0)
    charts.push({
      id: `${kind}-scatter`,
      title: `Predicted against measured: ${nameLearner(learner!)}, test networks of one random split`,
      height: 460,
      draw: (theme) => studyScatterChart(scattered, theme),
    });
  if (families.length > 0)
    charts.push({
      id: `${kind}-families`,
      title: `Mean error by coarse family: ${nameLearner(learner!)}`,
      height: 80 + families.length * (14 + 14 * protocols.length),
      draw: (theme) => errorBarsChart(protocols.map(nameProtocol), families, theme),
    });
  if (classes.length > 0)
    charts.push({
      id: `${kind}-classes`,
      title: `Error of single kernels by class: ${nameLearner(learner!)}`,
      height: 80 + classes.length * 42,
      draw: (theme) =>
        errorBarsChart(
          ["mean", "median"],
          classes.map(({ kernel, mape, medianApe }) => ({ name: kernel, errors: [mape, medianApe] })),
          theme,
        ),
    });
  return charts;
}

function listCurves(
  { table, scatter }: AccuracyResult,
  kind: Kind,
): { points: StudyPoint[]; limits: StudyPoint[] } {
  const means = table.means.filter(
    (mean) => mean.kind === kind && mean.protocol === "random" && mean.size !== "largest",
  );
  const points = means.map(({ learner, size, mape }) => ({ learner, trainSize: size as number, mape }));
  const timed = means.find(({ oracleMape }) => oracleMape !== null)?.learner;
  const oracle = means.flatMap(({ learner, size, oracleMape }) =>
    learner === timed && oracleMape !== null
      ? [{ learner: "true kernel times (oracle)", trainSize: size as number, mape: oracleMape }]
      : [],
  );
  const scenarios = new Set(table.rows.filter((row) => row.kind === kind).map((row) => row.scenario));
  const known = [...scenarios].flatMap((scenario) => scatter.get(scenario) ?? []);
  const noise = known.reduce((sum, value) => sum + value, 0) / known.length;
  const sizes = [...new Set(points.map(({ trainSize }) => trainSize))];
  const limits =
    known.length === 0
      ? []
      : sizes.map((trainSize) => ({ learner: "scatter of inferences", trainSize, mape: noise }));
  return { points, limits: [...oracle, ...limits] };
}

function listScatterPoints(
  { trials }: AccuracyResult,
  kind: Kind,
  learner: string | null,
): StudyScatterPoint[] {
  const of = trials.filter(
    (trial) => trial.kind === kind && trial.learner === learner && trial.protocol === "random",
  );
  return [...Map.groupBy(of, ({ scenario }) => scenario)].flatMap(([scenario, group]) => {
    const largest = Math.max(...group.map(({ trainSize }) => trainSize));
    const last = group.filter(({ trainSize }) => trainSize === largest);
    const first = last.reduce((a, b) => (b.split < a.split ? b : a));
    return first.points.map(({ network, measuredMs, predictedMs }) => ({
      network,
      scenario,
      measuredMs,
      predictedMs,
    }));
  });
}
