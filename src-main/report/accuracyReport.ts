import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import { errorBarsChart } from "../../src-renderer/charts/errorBars.ts";
import { studyCurveChart, type StudyPoint } from "../../src-renderer/charts/studyCurve.ts";
import { studyScatterChart, type StudyScatterPoint } from "../../src-renderer/charts/studyScatter.ts";
import type { AccuracyMean } from "../evaluate/accuracyTable.ts";
import type { AccuracyTrial } from "../evaluate/accuracyTrial.ts";
import { formatCount, formatDuration, formatPercent } from "../lab/format.ts";
import {
  describeClasses,
  describeFamilies,
  describeMeans,
  describeScenarios,
  findLeadingLearner,
  listKinds,
  nameKind,
  nameProtocol,
  type AccuracyResult,
  type AccuracySheet,
} from "./accuracySheets.ts";
import { escapeHtml, placeChart, renderPage, type PageChart } from "./page.ts";

type Kind = AccuracyTrial["kind"];

/** One HTML page that tells how accurate predictors are on published measurements; it needs no network. */
export function renderAccuracyReport(result: AccuracyResult): string {
  const kinds = listKinds(result.table);
  const charts = kinds.flatMap((kind) => listCharts(result, kind));
  const networks = new Set(result.trials.flatMap(({ points }) => points.map(({ network }) => network)));
  const scenarios = new Set(result.trials.map(({ scenario }) => scenario));
  const sections = [
    "<h1>Latency Lab: accuracy on published measurements</h1>",
    `<p>${formatCount(networks.size)} networks on ${formatCount(scenarios.size)} scenarios, ${formatCount(result.trials.length)} fits, ${formatDuration(1000 * result.seconds)}. Every error is one on networks that the fit did not see.</p>`,
    ...kinds.map((kind) => describeKind(result, kind, charts)),
  ];
  return renderPage("Latency Lab accuracy", sections, charts);
}

function describeKind(result: AccuracyResult, kind: Kind, charts: readonly PageChart[]): string {
  const classes = kind === "gpu" ? describeClasses(result) : null;
  return [
    `<section><h2>${escapeHtml(nameKind(kind))}</h2>`,
    describeLead(result, kind),
    renderSheet(describeMeans(result, kind)),
    ...["curve", "scatter"].map((name) => placeChart(charts, `${kind}-${name}`)),
    "<h3>By coarse family</h3>",
    placeChart(charts, `${kind}-families`),
    renderSheet(describeFamilies(result, kind)),
    ...(classes
      ? ["<h3>By kernel class</h3>", placeChart(charts, `${kind}-classes`), renderSheet(classes)]
      : []),
    `<details><summary>Every scenario</summary>${renderSheet(describeScenarios(result, kind))}</details>`,
    "</section>",
  ].join("\n");
}

function describeLead({ table }: AccuracyResult, kind: Kind): string {
  const learner = findLeadingLearner(table, kind);
  const of = table.means.filter((mean) => mean.kind === kind && mean.learner === learner);
  const last = of.find((mean) => mean.protocol === "random" && mean.size === "largest");
  if (!last) return "";
  const out =
    of.find((mean) => mean.protocol === "coarse-family") ?? of.find((mean) => mean.protocol === "family");
  const size = describeSizes(last);
  return `<p>${escapeHtml(nameLearner(learner!))} errs least at the largest training size: <b>${formatPercent(last.mape)}</b> with ${size} networks${out ? `, ${formatPercent(out.mape)} on families it knows no relative of` : ""}.${last.oracleMape === null ? "" : ` With the true time of every kernel ${formatPercent(last.oracleMape)} would remain: that is the overhead's share.`}</p>`;
}

function describeSizes({ trainSizes: { least, most } }: AccuracyMean): string {
  return least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
}

function renderSheet({ notes, columns, rows }: AccuracySheet): string {
  const cell = (tag: string, text: string, numeric: boolean | undefined) =>
    `<${tag}${numeric ? ' class="number"' : ""}>${escapeHtml(text)}</${tag}>`;
  const head = columns.map(({ head: text, numeric }) => cell("th", text, numeric)).join("");
  const body = rows.map(
    (row) => `<tr>${row.map((text, place) => cell("td", text, columns[place]?.numeric)).join("")}</tr>`,
  );
  return [
    ...notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
    `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`,
  ].join("\n");
}

function listCharts(result: AccuracyResult, kind: Kind): PageChart[] {
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
