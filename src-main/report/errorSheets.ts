import { nameLearner } from "../../src-renderer/charts/accuracy.ts";
import type { FamilyError } from "../evaluate/accuracyTable.ts";
import { coarseFamilies } from "../evaluate/coarseFamilies.ts";
import { formatCount, formatPercent } from "../lab/format.ts";
import {
  findLeadingLearner,
  nameKind,
  nameProtocol,
  type AccuracyResult,
  type AccuracySheet,
  type Kind,
} from "./accuracyResult.ts";

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

function formatBias(percent: number | undefined): string {
  return percent === undefined
    ? formatPercent(percent)
    : `${percent > 0 ? "+" : ""}${formatPercent(percent)}`;
}
