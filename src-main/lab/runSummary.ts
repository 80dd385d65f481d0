import { getRun } from "../store/runs.ts";
import type { LabContext } from "./context.ts";
import type { RunDetail, RunSummary } from "./contract.ts";
import { runUnknown } from "./errors.ts";

/** A run as the contract tells it, without its cells. */
export function summarizeRun(context: LabContext, run: number): RunSummary {
  const detail = getRun(context.store, run);
  if (!detail) throw runUnknown(run);
  return addJob(context, dropCells(detail));
}

function dropCells({ cellList: _, ...summary }: RunDetail): RunSummary {
  return summary;
}

/** The run with the job that works on it now and its time left. */
export function addJob<R extends RunSummary>(context: LabContext, run: R): R {
  const id = context.jobs.findByRun(run.id);
  if (id === null) return run;
  const progress = context.jobs.list().find((job) => job.id === id)?.progress;
  return { ...run, job: id, etaMs: progress?.state === "running" ? progress.etaMs : null };
}
