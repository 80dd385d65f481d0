import { fitBoosting, type BoostingOptions, type BoostingResult } from "./boosting.ts";
import type { LearningTable } from "./learningTable.ts";
import { fitClass, type ClassFit, type ClassTask } from "./classTask.ts";
import { tryEndToEnd, type EndToEndResult, type EndToEndTask } from "./endToEndTask.ts";
import { findDisturbed, type Disturbed, type ScreeningTask } from "./screening.ts";

/** What a fit worker does: fit a kernel class, find disturbed networks, boost trees on a table, or learn from end-to-end times. */
export type FitJob =
  | { kind: "class"; task: ClassTask }
  | { kind: "screening"; task: ScreeningTask }
  | { kind: "boosting"; table: LearningTable; options: BoostingOptions }
  | { kind: "end-to-end"; task: EndToEndTask };

/** The result of each kind of job. */
export interface FitResults {
  class: ClassFit;
  screening: Disturbed[];
  boosting: BoostingResult;
  "end-to-end": EndToEndResult[][];
}

/** Does a job in this thread. */
export function runFitJob(job: FitJob): FitResults[FitJob["kind"]] {
  switch (job.kind) {
    case "class":
      return fitClass(job.task);
    case "screening":
      return findDisturbed(job.task);
    case "boosting":
      return fitBoosting(job.table, job.options);
    case "end-to-end":
      return tryEndToEnd(job.task);
  }
}

/** How much work a job is, in rows × columns; only for putting the large ones first. */
export function estimateWork(job: FitJob): number {
  switch (job.kind) {
    case "class":
      return job.task.x.length;
    case "screening":
      // Far less per row than a fit with its products and trees.
      return job.task.tables.reduce((sum, table) => sum + table.x.length, 0) / 10;
    case "boosting":
      return job.table.x.length;
    case "end-to-end":
      return job.task.sets.length * job.task.design.columns.length * job.task.ms.length;
  }
}
