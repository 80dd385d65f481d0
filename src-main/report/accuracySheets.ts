import { meanOf } from "../model/mean.ts";
import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import type { AccuracyMean, AccuracyRow, AccuracyTable } from "../evaluate/accuracyTable.ts";
import { formatCount, formatNumber, formatPercent } from "../lab/format.ts";
import {
  findLeadingLearner,
  listKinds,
  nameKind,
  protocolHeads,
  type AccuracyResult,
  type AccuracySheet,
  type Kind,
} from "./accuracyResult.ts";
import { describeClasses, describeFamilies } from "./errorSheets.ts";

/** Learners against training sizes and left-out families: means over the scenarios of a kind. */
export function describeMeans({ table, scatter }: AccuracyResult, kind: Kind): AccuracySheet {
  const means = table.means.filter((mean) => mean.kind === kind);
  const learners = [...new Set(means.map(({ learner }) => learner))];
  const columns = listColumns(means);
  const last = (learner: string) =>
    means.find((mean) => mean.learner === learner && mean.protocol === "random" && mean.size === "largest");
  const cells = (learner: string, read: (mean: AccuracyMean) => number | null, decimals?: number) =>
    columns.map(({ matches }) => {
      const mean = means.find((candidate) => candidate.learner === learner && matches(candidate));
      return formatPercent(mean && read(mean), decimals);
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
  const add = (title: string, of: readonly string[]) => rows.push([title, ...of, "", "", "", ""]);
  const leading = findLeadingLearner(table, kind);
  const leads = (read: (mean: AccuracyMean) => number | null) =>
    leading !== null && means.some((mean) => mean.learner === leading && read(mean) !== null);
  if (oracle !== undefined) {
    const readKernels = ({ kernelMape }: AccuracyMean) => kernelMape;
    add(
      "true kernel times (oracle)",
      cells(oracle, ({ oracleMape }) => oracleMape),
    );
    add("kernels alone", cells(leads(readKernels) ? leading! : oracle, readKernels));
  }
  if (leads(({ inside }) => inside)) {
    add(
      "in its 90\u00a0% interval",
      cells(leading!, ({ inside }) => inside, 0),
    );
    add(
      "half-width of intervals",
      cells(leading!, ({ halfWidth }) => halfWidth),
    );
  }
  const scenarios = [...new Set(table.rows.filter((row) => row.kind === kind).map((row) => row.scenario))];
  const known = scenarios.flatMap((scenario) => scatter.get(scenario) ?? []);
  if (known.length > 0)
    add(
      "scatter of inferences",
      columns.map(() => formatPercent(meanOf(known))),
    );
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
        "in interval",
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
        formatPercent(last?.inside, 0),
        formatPercent(scatter.get(scenario)),
      ];
    }),
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
