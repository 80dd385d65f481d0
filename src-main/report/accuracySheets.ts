import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import type { AccuracyMean, AccuracyRow, AccuracyTable, FamilyError } from "../evaluate/accuracyTable.ts";
import type { AccuracyTrial } from "../evaluate/accuracyTrial.ts";
import { coarseFamilies } from "../evaluate/coarseFamilies.ts";
import { formatCount, formatNumber, formatPercent } from "../lab/format.ts";

/** What an accuracy report is made of. */
export interface AccuracyResult {
  trials: readonly AccuracyTrial[];
  table: AccuracyTable;
  /** How far single inferences lie from their mean, in percent, by scenario; scenarios not told are absent. */
  scatter: ReadonlyMap<string, number>;
  seconds: number;
}

type Kind = AccuracyTrial["kind"];

/** A table for reading, on a terminal or a page. */
export interface AccuracySheet {
  id: string;
  title: string;
  /** Sentences that say what the numbers are. */
  notes: string[];
  columns: { head: string; numeric?: boolean }[];
  rows: string[][];
}

/** The words for a kind of study. */
export function nameKind(kind: Kind): string {
  return kind === "gpu" ? "GPUs, fitted on kernel times" : "CPUs, fitted on end-to-end times alone";
}

/** The kinds there are trials of, GPUs first. */
export function listKinds({ rows }: AccuracyTable): Kind[] {
  return (["gpu", "cpu"] as const).filter((kind) => rows.some((row) => row.kind === kind));
}

/** Of the learners tried at random splits the one with the least mean error at the largest size; null when there is none. */
export function findLeadingLearner({ means }: AccuracyTable, kind: Kind): string | null {
  const last = means.filter(
    (mean) => mean.kind === kind && mean.protocol === "random" && mean.size === "largest",
  );
  return last.length === 0 ? null : last.reduce((a, b) => (b.mape < a.mape ? b : a)).learner;
}

/** Learners against training sizes and left-out families: means over the scenarios of a kind. */
export function describeMeans({ table, scatter }: AccuracyResult, kind: Kind): AccuracySheet {
  const means = table.means.filter((mean) => mean.kind === kind);
  const learners = [...new Set(means.map(({ learner }) => learner))];
  const columns = listColumns(means);
  const last = (learner: string) =>
    means.find((mean) => mean.learner === learner && mean.protocol === "random" && mean.size === "largest");
  const cells = (learner: string, read: (mean: AccuracyMean) => number | null) =>
    columns.map(({ matches }) => {
      const mean = means.find((candidate) => candidate.learner === learner && matches(candidate));
      return formatPercent(mean && read(mean));
    });
  const rows = learners.map((learner) => [
    nameLearner(learner),
    ...cells(learner, ({ mape }) => mape),
    formatPercent(last(learner)?.medianApe),
    formatPercent(last(learner)?.within5, 0),
    formatPercent(last(learner)?.within10, 0),
    formatNumber(last(learner)?.spearman),
  ]);
  const oracle = learners.find((learner) =>
    means.some((mean) => mean.learner === learner && mean.oracleMape !== null),
  );
  if (oracle !== undefined)
    rows.push(
      ["true kernel times (oracle)", ...cells(oracle, ({ oracleMape }) => oracleMape), "", "", "", ""],
      [
        "kernels alone",
        ...cells(leadingOr(table, kind, oracle), ({ kernelMape }) => kernelMape),
        "",
        "",
        "",
        "",
      ],
    );
  const scenarios = [...new Set(table.rows.filter((row) => row.kind === kind).map((row) => row.scenario))];
  const known = scenarios.flatMap((scenario) => scatter.get(scenario) ?? []);
  if (known.length > 0)
    rows.push(["scatter of inferences", ...columns.map(() => formatPercent(meanOf(known))), "", "", "", ""]);
  return {
    id: `${kind}-means`,
    title: nameKind(kind),
    notes: [
      `Mean error (MAPE) over ${formatCount(scenarios.length)} ${scenarios.length === 1 ? "scenario" : "scenarios"}, each weighing the same; ${describeSplits(table, kind)}.`,
    ],
    columns: [
      { head: "learner" },
      ...columns.map(({ head }) => ({ head, numeric: true })),
      ...["median", "≤\u00a05\u00a0%", "≤\u00a010\u00a0%", "Spearman"].map((head) => ({
        head,
        numeric: true,
      })),
    ],
    rows,
  };
}

function leadingOr(table: AccuracyTable, kind: Kind, other: string): string {
  const leading = findLeadingLearner(table, kind);
  const known = table.means.some(({ learner, kernelMape }) => learner === leading && kernelMape !== null);
  return known ? leading! : other;
}

interface SizeColumn {
  head: string;
  matches: (mean: AccuracyMean) => boolean;
}

function listColumns(means: readonly AccuracyMean[]): SizeColumn[] {
  const random = means.filter(({ protocol }) => protocol === "random");
  const largest = random.filter(({ size }) => size === "largest").map(({ trainSizes }) => trainSizes);
  const least = Math.min(...largest.map((sizes) => sizes.least));
  const most = Math.max(...largest.map((sizes) => sizes.most));
  const sizes = [
    ...new Set(random.flatMap(({ size }) => (size === "largest" || size >= least ? [] : [size]))),
  ];
  const columns: SizeColumn[] = sizes
    .sort((a, b) => a - b)
    .map((size) => ({
      head: String(size),
      matches: (mean) => mean.protocol === "random" && mean.size === size,
    }));
  if (largest.length > 0)
    columns.push({
      head: least === most ? String(most) : `${least}–${most}`,
      matches: (mean) => mean.protocol === "random" && mean.size === "largest",
    });
  for (const [protocol, head] of protocolHeads)
    if (means.some((mean) => mean.protocol === protocol))
      columns.push({ head, matches: (mean) => mean.protocol === protocol });
  return columns;
}

const protocolHeads = [
  ["family", "family out"],
  ["coarse-family", "coarse family out"],
] as const;

function describeSplits({ rows }: AccuracyTable, kind: Kind): string {
  const count = (protocol: AccuracyRow["protocol"]) =>
    Math.max(
      0,
      ...rows.filter((row) => row.kind === kind && row.protocol === protocol).map(({ seeds }) => seeds),
    );
  return [
    `columns are numbers of training networks, ${count("random")} random splits each, pooled`,
    ...(count("family") > 0
      ? [`“family out” leaves out one family at a time (${count("family")} splits)`]
      : []),
    ...(count("coarse-family") > 0
      ? [`“coarse family out” its relatives too (${count("coarse-family")} splits)`]
      : []),
    "the last four columns are at the largest size",
  ].join("; ");
}

/** Every scenario and learner of a kind. */
export function describeScenarios({ table, scatter }: AccuracyResult, kind: Kind): AccuracySheet {
  const rows = table.rows.filter((row) => row.kind === kind);
  const series = Map.groupBy(rows, ({ scenario, learner }) => `${scenario}\n${learner}`);
  const random = rows.filter(({ protocol }) => protocol === "random");
  const largestOf = (of: readonly AccuracyRow[], protocol: AccuracyRow["protocol"]) =>
    of
      .filter((row) => row.protocol === protocol)
      .reduce<AccuracyRow | null>((a, b) => (a && a.trainSize > b.trainSize ? a : b), null);
  const least = Math.min(...[...series.values()].map((of) => largestOf(of, "random")?.trainSize ?? Infinity));
  const sizes = [...new Set(random.map(({ trainSize }) => trainSize))]
    .filter((size) => size < least)
    .sort((a, b) => a - b);
  const heads = protocolHeads.filter(([protocol]) => rows.some((row) => row.protocol === protocol));
  const timed = rows.some(({ oracleMape }) => oracleMape !== null);
  return {
    id: `${kind}-scenarios`,
    title: `${nameKind(kind)}: every scenario`,
    notes: [],
    columns: [
      { head: "scenario" },
      { head: "learner" },
      ...[
        ...sizes.map(String),
        ...(random.length > 0 ? ["largest"] : []),
        ...heads.map(([, head]) => head),
        ...["median", "≤\u00a05\u00a0%", "≤\u00a010\u00a0%", "Spearman"],
        ...(timed ? ["overhead alone", "kernels alone"] : []),
        "scatter",
      ].map((head) => ({ head, numeric: true })),
    ],
    rows: [...series.values()].map((of) => {
      const { scenario, learner } = of[0]!;
      const last = largestOf(of, "random");
      return [
        scenario,
        nameLearner(learner),
        ...sizes.map((size) =>
          formatPercent(of.find((row) => row.protocol === "random" && row.trainSize === size)?.mape),
        ),
        ...(random.length > 0 ? [formatPercent(last?.mape)] : []),
        ...heads.map(([protocol]) => formatPercent(largestOf(of, protocol)?.mape)),
        formatPercent(last?.medianApe),
        formatPercent(last?.within5, 0),
        formatPercent(last?.within10, 0),
        formatNumber(last?.spearman),
        ...(timed ? [formatPercent(last?.oracleMape), formatPercent(last?.kernelMape)] : []),
        formatPercent(scatter.get(scenario)),
      ];
    }),
  };
}

/** Errors by coarse family of the leading learner. */
export function describeFamilies({ table }: AccuracyResult, kind: Kind): AccuracySheet {
  const learner = findLeadingLearner(table, kind) ?? table.families.find((row) => row.kind === kind)?.learner;
  const errors = table.families.filter((row) => row.kind === kind && row.learner === learner);
  const protocols = (["random", "family", "coarse-family"] as const).filter((protocol) =>
    errors.some((row) => row.protocol === protocol),
  );
  const families = [...Map.groupBy(errors, ({ family }) => family)].sort(
    ([, a], [, b]) => countNetworks(b) - countNetworks(a),
  );
  const groups = new Map(coarseFamilies.map(({ name, families: members }) => [name, members.join(", ")]));
  return {
    id: `${kind}-families`,
    title: `${nameKind(kind)}: by coarse family`,
    notes: [
      `${nameLearner(learner ?? "")} at the largest training size, over all scenarios; the bias is the mean of predicted over measured less one.`,
    ],
    columns: [
      { head: "coarse family" },
      { head: "networks", numeric: true },
      ...protocols.flatMap((protocol) => [
        { head: nameProtocol(protocol), numeric: true },
        { head: "bias", numeric: true },
      ]),
      { head: "families" },
    ],
    rows: families.map(([family, of]) => [
      family,
      formatCount(countNetworks(of)),
      ...protocols.flatMap((protocol) => {
        const row = of.find((candidate) => candidate.protocol === protocol);
        return [formatPercent(row?.mape), formatBias(row?.bias)];
      }),
      groups.get(family) ?? "",
    ]),
  };
}

/** The words for a way of splitting networks. */
export function nameProtocol(protocol: FamilyError["protocol"]): string {
  return protocolHeads.find(([name]) => name === protocol)?.[1] ?? "random";
}

function countNetworks(errors: readonly FamilyError[]): number {
  return Math.max(...errors.map(({ networks }) => networks));
}

/** Errors by kernel class of the leading learner; null where kernels were not timed. */
export function describeClasses({ table }: AccuracyResult): AccuracySheet | null {
  const learner = findLeadingLearner(table, "gpu");
  const known = table.classes.some((row) => row.learner === learner) ? learner : table.classes[0]?.learner;
  const errors = table.classes.filter((row) => row.learner === known);
  if (errors.length === 0) return null;
  return {
    id: "gpu-classes",
    title: "Single kernels by class",
    notes: [
      `${nameLearner(known!)} at the largest training size, over all GPUs; the bias is that of the sum.`,
    ],
    columns: [
      { head: "kernel class" },
      ...["kernels", "share of time", "median error", "mean error", "bias"].map((head) => ({
        head,
        numeric: true,
      })),
    ],
    rows: errors.map(({ kernel, rows, share, medianApe, mape, bias }) => [
      kernel,
      formatCount(rows),
      formatPercent(share),
      formatPercent(medianApe),
      formatPercent(mape),
      formatBias(bias),
    ]),
  };
}

/** All tables for a terminal, where what is printed last is seen first: the means stand at the end. */
export function listSheets(result: AccuracyResult): AccuracySheet[] {
  const kinds = listKinds(result.table);
  const classes = describeClasses(result);
  return [
    ...kinds.map((kind) => describeScenarios(result, kind)),
    ...kinds.map((kind) => describeFamilies(result, kind)),
    ...(classes ? [classes] : []),
    ...kinds.map((kind) => describeMeans(result, kind)),
  ];
}

function formatBias(percent: number | undefined): string {
  return percent === undefined
    ? formatPercent(percent)
    : `${percent > 0 ? "+" : ""}${formatPercent(percent)}`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
