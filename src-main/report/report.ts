import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { accuracyBars, nameLearner } from "../../src-renderer/charts/accuracy.ts";
import type { ChartDrawing } from "../../src-renderer/charts/configuration.ts";
import { scatterChart } from "../../src-renderer/charts/scatter.ts";
import { type ChartTheme, darkTheme, lightTheme } from "../../src-renderer/charts/theme.ts";
import { waterfallChart } from "../../src-renderer/charts/waterfall.ts";
import type { DemoResult, DemoScenario, PredictedPoint } from "../lab/contract.ts";
import { formatBytes, formatError, formatFlops, formatMs, formatPercent } from "../lab/format.ts";

interface ReportChart {
  id: string;
  title: string;
  height: number;
  draw: (theme: ChartTheme) => ChartDrawing;
}

/** One HTML page with everything inside: tables, charts (light and dark) and the drawing library; it needs no network. */
export function renderReport(result: DemoResult): string {
  const charts = listCharts(result);
  const drawings = charts.map(({ id, draw }) => ({ id, light: draw(lightTheme), dark: draw(darkTheme) }));
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8"><title>Latency Lab report</title>',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${styles}</style></head><body><main>`,
    "<h1>Latency Lab: predicted and measured on this computer</h1>",
    describeDevice(result),
    ...result.remarks.map((remark) => `<p class="remark">${escapeHtml(remark)}</p>`),
    ...result.scenarios.map((scenario, index) => describeScenario(scenario, index, charts)),
    describeBreakdown(result, charts),
    `</main><script>${inlineScript(loadChartLibrary())}</script>`,
    `<script type="application/json" id="drawings">${inlineScript(JSON.stringify(drawings))}</script>`,
    `<script>${drawScript}</script></body></html>`,
  ].join("\n");
}

function listCharts(result: DemoResult): ReportChart[] {
  const charts: ReportChart[] = result.scenarios.flatMap((scenario, index) => [
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

function placeChart(charts: readonly ReportChart[], id: string): string {
  const chart = charts.find((candidate) => candidate.id === id);
  if (!chart) return "";
  return `<figure><figcaption>${chart.title}</figcaption><div style="height:${chart.height}px"><canvas id="${id}" role="img" aria-label="${chart.title}"></canvas></div></figure>`;
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

function describeScenario(scenario: DemoScenario, index: number, charts: readonly ReportChart[]): string {
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

function describeBreakdown({ breakdown }: DemoResult, charts: readonly ReportChart[]): string {
  if (!breakdown) return "";
  const measured = breakdown.measuredMs === null ? "" : `; measured ${formatMs(breakdown.measuredMs)}`;
  return [
    `<section><h2>Where the time of ${escapeHtml(breakdown.model)} goes</h2>`,
    `<p>${escapeHtml(breakdown.scenario)}: predicted ${formatMs(breakdown.latencyMs)} (${formatMs(breakdown.lowMs)} to ${formatMs(breakdown.highMs)})${measured}.</p>`,
    placeChart(charts, "waterfall"),
    "</section>",
  ].join("\n");
}

function loadChartLibrary(): string {
  const module = createRequire(import.meta.url).resolve("chart.js");
  return readFileSync(join(dirname(module), "chart.umd.min.js"), "utf8");
}

// Inside <script> only a closing tag or a comment opener could end the text early.
function inlineScript(text: string): string {
  return text
    .replace(/\/\/# sourceMappingURL=.*$/m, "")
    .replaceAll("</", "<\\/")
    .replaceAll("<!--", "<\\!--");
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const drawScript = `
const drawings = JSON.parse(document.getElementById("drawings").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
let charts = [];
function draw() {
  charts.forEach((chart) => chart.destroy());
  charts = drawings.map(({ id, light, dark: night }) => {
    const drawing = structuredClone(dark.matches ? night : light);
    drawing.options.plugins.tooltip.callbacks = { label: (context) => context.raw && context.raw.tip };
    return new Chart(document.getElementById(id), drawing);
  });
}
dark.addEventListener("change", draw);
draw();
`;

const styles = `
:root { color-scheme: light dark; --text: #1c2430; --muted: #566173; --line: #e3e7ed; --surface: #fff; --accent: #1d5fc4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6eaf0; --muted: #a3adbc; --line: #2c343f; --surface: #171c23; --accent: #78adff; }
}
body { margin: 0; background: var(--surface); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { margin-top: 2.5rem; font-size: 1.2rem; border-top: 1px solid var(--line); padding-top: 1.5rem; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; margin: 0.75rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 500; }
.facts th { width: 11rem; }
.number { white-space: nowrap; }
.best td { font-weight: 600; }
figure { margin: 1.5rem 0; }
figcaption { color: var(--muted); margin-bottom: 0.5rem; }
.remark { border-left: 4px solid var(--accent); padding-left: 0.75rem; }
`;
