import { fitBoosting, type BoostingOptions, type BoostingResult, type LearningTable } from "./boosting.ts";
import { fitClass, type ClassFit, type ClassTask } from "./classTask.ts";

/** What a fit worker does: fit a kernel class, or boost trees on a table. */
export type FitJob =
  { kind: "class"; task: ClassTask } | { kind: "boosting"; table: LearningTable; options: BoostingOptions };

/** The result of each kind of job. */
export interface FitResults {
  class: ClassFit;
  boosting: BoostingResult;
}

/** Does a job in this thread. */
export function runFitJob(job: FitJob): ClassFit | BoostingResult {
  return job.kind === "class" ? fitClass(job.task) : fitBoosting(job.table, job.options);
}

/** How much work a job is, in rows × columns; only for putting the large ones first. */
export function estimateWork(job: FitJob): number {
  const table = job.kind === "class" ? job.task : job.table;
  return table.x.length;
}
