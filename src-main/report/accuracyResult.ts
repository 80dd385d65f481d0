import type { AccuracyRow, AccuracyTable } from "../evaluate/accuracyTable.ts";
import type { AccuracyTrial } from "../evaluate/accuracyTrial.ts";

/** What an accuracy report is made of. */
export interface AccuracyResult {
  trials: readonly AccuracyTrial[];
  table: AccuracyTable;
  /** How far single inferences lie from their mean, in percent, by scenario; scenarios not told are absent. */
  scatter: ReadonlyMap<string, number>;
  seconds: number;
}

/** What was timed: kernels of GPUs, or whole inferences on CPUs. */
export type Kind = AccuracyTrial["kind"];

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

/** Ways of leaving families out, with the heading of their column. */
export const protocolHeads = [
  ["family", "family out"],
  ["coarse-family", "coarse family out"],
] as const;

/** The words for a way of splitting networks. */
export function nameProtocol(protocol: AccuracyRow["protocol"]): string {
  return protocolHeads.find(([name]) => name === protocol)?.[1] ?? "random";
}
