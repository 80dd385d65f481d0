import { accuracyBars, nameLearner } from "../../src-renderer/charts/accuracy.ts";
import { scatterChart } from "../../src-renderer/charts/scatter.ts";
import type { ChartTheme } from "../../src-renderer/charts/theme.ts";
import { waterfallChart } from "../../src-renderer/charts/waterfall.ts";
import type { DemoResult, DemoScenario, PredictedPoint } from "../lab/contract.ts";
import { formatBytes, formatError, formatFlops, formatMs, formatPercent } from "../lab/format.ts";
import { escapeHtml, placeChart, renderPage, type PageChart } from "./page.ts";

/** One HTML page with everything inside: tables, charts (light and dark) and the drawing library; it needs no network. */
export function renderReport(result: DemoResult): string {
  const charts = listCharts(result);
  const sections = [
    "<h1>Latency Lab: predicted and measured on this computer</h1>",
    describeDevice(result),
    ...result.remarks.map((remark) => `<p class="remark">${escapeHtml(remark)}</p>`),
    ...result.scenarios.map((scenario, index) => describeScenario(scenario, index, charts)),
    describeBreakdown(result, charts),
  ];
  return renderPage("Latency Lab report", sections, charts);
}

function listCharts(result: DemoResult): PageChart[] {
  const charts: PageChart[] = result.scenarios.flatMap((scenario, index) => [
    {
      id: `accuracy-${index}`,
      title: "Error on networks no fit has seen",
      height: 240,
      draw: (theme: ChartTheme) => accuracyBars(scenario.learners, theme),
    },
    {
      id: `scatter-${index}`,
      title: "Predicted against measured",
      height: 420,
      draw: (theme: ChartTheme) => scatterChart(scenario.points, theme),
    },
  ]);
  const { breakdown } = result;
  if (breakdown)
    charts.push({
      id: "waterfall",
      title: "Where the time goes",
      height: 640,
      draw: (theme) => waterfallChart(breakdown, theme),
    });
  return charts;
}

function describeDevice({ device, seconds }: DemoResult): string {
  const facts: [string, string][] = [
    ["Device", `${device.name}: ${device.soc}`],
    ["System", device.os],
    ["Cores", device.clusters.map((cluster) => `${cluster.cpus.length} ${cluster.name}`).join(", ")],
    ["Memory", formatBytes(device.memoryBytes)],
    ["Runtime", `TensorFlow Lite ${device.runtimeVersion ?? "unknown"}`],
    ["The whole job took", `${Math.round(seconds)} s`],
  ];
  const rows = facts.map(([name, value]) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`);
  return `<table class="facts">${rows.join("")}</table>`;
}

function describeScenario(scenario: DemoScenario, index: number, charts: readonly PageChart[]): string {
  const ratio = scenario.baselineMape / scenario.mape;
  const rows = scenario.learners.map(
    (row) =>
      `<tr${row.learner === scenario.best ? ' class="best"' : ""}><td>${nameLearner(row.learner)}${row.learner === scenario.best ? " (chosen by cross-validation)" : ""}</td>${[
        formatPercent(row.mape),
        formatPercent(row.medianApe),
        formatPercent(row.within5, 0),
        formatPercent(row.within10, 0),
        row.spearman === null ? "–" : row.spearman.toFixed(3),
      ]
        .map((cell) => `<td class="number">${cell}</td>`)
        .join("")}</tr>`,
  );
  return [
    `<section><h2>${escapeHtml(scenario.scenario)}</h2>`,
    `<p>Fitted on ${scenario.rows} op times of ${scenario.trainedOn} networks in ${(scenario.fitMs / 1000).toFixed(1)} s. On ${scenario.points.length} networks no fit has seen the mean error is <b>${formatPercent(scenario.mape)}</b>; a line through FLOPs alone errs by ${formatPercent(scenario.baselineMape)} (${ratio.toFixed(1)} times as much). Measuring the same network again differs by ${formatPercent(scenario.noise)}.</p>`,
    "<table><thead><tr><th>Learner</th><th>Mean error</th><th>Median error</th><th>Within 5 %</th><th>Within 10 %</th><th>Rank correlation</th></tr></thead>",
    `<tbody>${rows.join("")}</tbody></table>`,
    placeChart(charts, `accuracy-${index}`),
    placeChart(charts, `scatter-${index}`),
    "<h3>Furthest off and closest</h3>",
    listPoints([...scenario.worst, ...scenario.closest]),
    "</section>",
  ].join("\n");
}

function listPoints(points: readonly PredictedPoint[]): string {
  const unique = [...new Map(points.map((point) => [point.model, point])).values()];
  const rows = unique.map((point) => {
    const error = (point.predictedMs - point.measuredMs) / point.measuredMs;
    const cells = [
      formatFlops(point.flops),
      formatMs(point.measuredMs),
      formatMs(point.predictedMs),
      `${formatMs(point.lowMs)} to ${formatMs(point.highMs)}`,
      formatError(error),
    ];
    return `<tr><td>${escapeHtml(point.model)}</td><td>${escapeHtml(point.family)}</td>${cells.map((cell) => `<td class="number">${cell}</td>`).join("")}</tr>`;
  });
  return `<table><thead><tr><th>Network</th><th>Family</th><th>FLOPs</th><th>Measured</th><th>Predicted</th><th>Interval</th><th>Error</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function describeBreakdown({ breakdown }: DemoResult, charts: readonly PageChart[]): string {
  if (!breakdown) return "";
  const measured = breakdown.measuredMs === null ? "" : `; measured ${formatMs(breakdown.measuredMs)}`;
  return [
    `<section><h2>Where the time of ${escapeHtml(breakdown.model)} goes</h2>`,
    `<p>${escapeHtml(breakdown.scenario)}: predicted ${formatMs(breakdown.latencyMs)} (${formatMs(breakdown.lowMs)} to ${formatMs(breakdown.highMs)})${measured}.</p>`,
    placeChart(charts, "waterfall"),
    "</section>",
  ].join("\n");
}
