import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ChartDrawing } from "../../src-renderer/charts/configuration.ts";
import { type ChartTheme, darkTheme, lightTheme } from "../../src-renderer/charts/theme.ts";

/** A chart of a page: its canvas's id, its title, its height in pixels and how it is drawn in a theme. */
export interface PageChart {
  id: string;
  title: string;
  height: number;
  draw: (theme: ChartTheme) => ChartDrawing;
}

/** One HTML page with everything inside: charts in light and dark and the drawing library; it needs no network. */
export function renderPage(title: string, sections: readonly string[], charts: readonly PageChart[]): string {
  const drawings = charts.map(({ id, draw }) => ({ id, light: draw(lightTheme), dark: draw(darkTheme) }));
  return [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${styles}</style></head><body><main>`,
    ...sections,
    `</main><script>${inlineScript(loadChartLibrary())}</script>`,
    `<script type="application/json" id="drawings">${inlineScript(JSON.stringify(drawings))}</script>`,
    `<script>${drawScript}</script></body></html>`,
  ].join("\n");
}

/** The place of a chart on its page; nothing for an id no chart has. */
export function placeChart(charts: readonly PageChart[], id: string): string {
  const chart = charts.find((candidate) => candidate.id === id);
  if (!chart) return "";
  const title = escapeHtml(chart.title);
  return `<figure><figcaption>${title}</figcaption><div style="height:${chart.height}px"><canvas id="${id}" role="img" aria-label="${title}"></canvas></div></figure>`;
}

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
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
.wide .number { text-align: right; }
.wide { overflow-x: auto; }
.wide table { font-size: 0.82rem; }
.wide td:first-child { white-space: nowrap; }
.wide th { white-space: normal; vertical-align: bottom; }
.wide td, .wide th { padding-right: 0.5rem; }
.note { color: var(--muted); }
details { margin: 1.5rem 0; }
summary { cursor: pointer; color: var(--accent); }
.remark { border-left: 4px solid var(--accent); padding-left: 0.75rem; }
`;
