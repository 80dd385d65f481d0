import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import type { AccuracyMean } from "../evaluate/accuracyTable.ts";
import { formatCount, formatDuration, formatPercent } from "../lab/format.ts";
import { listAccuracyCharts } from "./accuracyCharts.ts";
import {
  findLeadingLearner,
  listKinds,
  nameKind,
  type AccuracyResult,
  type AccuracySheet,
  type Kind,
} from "./accuracyResult.ts";
import { describeMeans, describeScenarios } from "./accuracySheets.ts";
import { describeClasses, describeFamilies } from "./errorSheets.ts";
import { escapeHtml, placeChart, renderPage, type PageChart } from "./page.ts";

/** One HTML page that tells how accurate predictors are on published measurements; it needs no network. */
export function renderAccuracyReport(result: AccuracyResult): string {
  const kinds = listKinds(result.table);
  const charts = kinds.flatMap((kind) => listAccuracyCharts(result, kind));
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
  const sentences = [
    `Least error at the largest training size: <b>${formatPercent(last.mape)}</b> with ${describeSizes(last)} networks (${escapeHtml(nameLearner(learner!))})${out ? `, ${formatPercent(out.mape)} on families it knows no relative of` : ""}.`,
  ];
  if (last.oracleMape !== null)
    sentences.push(
      `With the true time of every kernel ${formatPercent(last.oracleMape)} would remain: that is the overhead's share.`,
    );
  if (last.inside !== null)
    sentences.push(
      `${formatPercent(last.inside, 0)} of the measurements lie in their prediction's 90\u00a0% interval${out?.inside == null ? "" : `, ${formatPercent(out.inside, 0)} of those of such families`}.`,
    );
  return `<p>${sentences.join(" ")}</p>`;
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
