import type { RowDifference } from "./graphRows.ts";
import type { PublishedNetwork } from "./publishedRows.ts";
import type { RuntimeVerdict } from "./runZooNetwork.ts";

/** Largest deviations allowed from the published values. */
export const zooLimits = {
  cnn: { flops: 0.005, bytes: 0.02 },
  vit: { flops: 0.03, bytes: 0.02 },
} as const;

/** A form in which a network is run. */
export type RunPrecision = "float32" | "int8";

/** What the check found of one network. */
export interface ZooCheck {
  name: string;
  kind: "cnn" | "vit" | "unpublished";
  /** Null when the zoo has no network of this name. */
  ours: PublishedNetwork | null;
  published: PublishedNetwork | null;
  /** Deviations relative to the published values; null without both. */
  flopsDeviation: number | null;
  /** FLOPs of the operators that the published count of a transformer holds; else null. */
  countedFlops: number | null;
  bytesDeviation: number | null;
  /** Null when no rows of the network are published or it is not built. */
  rows: RowDifference | null;
  /** How it fared in the runtime in each form it was run in. */
  runs: Partial<Record<RunPrecision, RuntimeVerdict>>;
  /** What breaks a limit, one phrase each; empty when all is well. */
  faults: string[];
}

/** The checks as a table with the details of what is wrong below each line, and a summary. */
export function formatZooReport(checks: readonly ZooCheck[]): string {
  const lines = checks.flatMap((check) => [formatLine(check), ...formatDetails(check)]);
  const wrong = checks.filter(({ faults }) => faults.length > 0);
  const published = checks.filter(({ kind }) => kind !== "unpublished");
  const missing = published.filter(({ ours }) => !ours);
  return [
    `${"network".padEnd(34)}${"FLOPs".padStart(13)}${"published".padStart(14)}${"%".padStart(8)}` +
      `${"bytes".padStart(12)}${"published".padStart(12)}${"%".padStart(8)}  rows  ran at float32, int8`,
    ...lines,
    "",
    `${checks.length} networks: ${published.length} published (${missing.length} of them not built), ` +
      `${checks.length - published.length} without published values; ${wrong.length} break a limit`,
    ...(["float32", "int8"] as const).flatMap((precision) => describeRuns(checks, precision)),
  ].join("\n");
}

function describeRuns(checks: readonly ZooCheck[], precision: RunPrecision): string[] {
  const verdicts = checks.flatMap(({ runs }) => runs[precision] ?? []);
  if (verdicts.length === 0) return [];
  const count = (holds: (verdict: RuntimeVerdict) => boolean) => verdicts.filter(holds).length;
  return [
    `${precision}: ${verdicts.length} written, ${count(({ roundTrip }) => roundTrip === true)} read back to the same file, ` +
      `${count(({ ran }) => ran !== null)} ran (${count(({ ran }) => ran === "groups split")} with groups split), ` +
      `outputs of at least ${Math.min(...verdicts.map(({ levels }) => levels ?? 0))} different numbers`,
  ];
}

function formatLine(check: ZooCheck): string {
  const { name, ours, published, rows, runs } = check;
  const told = (verdict: RuntimeVerdict | undefined) => (verdict ? (verdict.ran ?? "no") : "-");
  const number = (value: number | undefined, width: number) => String(value ?? "-").padStart(width);
  const percent = (value: number | null) => (value === null ? "-" : (100 * value).toFixed(2)).padStart(8);
  const difference = rows ? rows.missing.length + rows.extra.length : null;
  const agreement = difference === null ? "-" : difference === 0 ? "equal" : "differ";
  return (
    `${name.padEnd(34)}${number(ours?.flops, 13)}${number(published?.flops, 14)}${percent(check.flopsDeviation)}` +
    `${number(ours?.bytes, 12)}${number(published?.bytes, 12)}${percent(check.bytesDeviation)}  ` +
    `${agreement.padEnd(6)}${told(runs.float32)}, ${told(runs.int8)}`
  );
}

function formatDetails({ faults, rows, runs, countedFlops, published }: ZooCheck): string[] {
  const list = (label: string, of: RowDifference["missing"]) =>
    of.map(({ row, count }) => `    ${label} ${count} × ${row}`);
  const alike = countedFlops !== null && published ? 100 * (countedFlops / published.flops - 1) : null;
  return [
    ...(alike === null
      ? []
      : [`    counted as published: ${countedFlops} FLOPs, ${alike.toFixed(4)} % from the published`]),
    ...faults.map((fault) => `    ! ${fault}`),
    ...(rows ? [...list("missing", rows.missing), ...list("extra  ", rows.extra)] : []),
    ...Object.entries(runs).flatMap(([form, { reason }]) => (reason ? [`    ${form}: ${reason}`] : [])),
  ];
}
