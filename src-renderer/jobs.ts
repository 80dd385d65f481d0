import type { Job } from "../src-main/lab/contract.ts";
import { formatCount, formatEta, formatPercent } from "../src-main/lab/format.ts";
import { formatRoute } from "./route.ts";

/** What a job is doing, in a few words: `34 of 96, about 12m left`. */
export function tellProgress(job: Job): string {
  const { progress } = job;
  switch (progress.state) {
    case "queued":
      return "waiting for its turn";
    case "running": {
      const parts: string[] = [];
      const { done, total } = progress;
      if (Number.isInteger(done) && total > 0) parts.push(`${formatCount(done)} of ${formatCount(total)}`);
      else if (total > 0) parts.push(formatPercent((done / total) * 100, 0));
      if (progress.etaMs !== null) parts.push(`${formatEta(progress.etaMs)} left`);
      return parts.join(", ") || "working";
    }
    case "done":
      return "done";
    case "failed":
      return progress.error.message;
    case "cancelled":
      return "cancelled; what was done is kept";
  }
}

/** Where a job's result is to be seen, or null when it has no place of its own. */
export function locateResult(job: Job): string | null {
  if (job.run !== null) return formatRoute("runs", [job.run]);
  switch (job.kind) {
    case "sample":
    case "build":
      return formatRoute("models");
    case "fit":
    case "evaluate":
      return formatRoute("predictors");
    case "validate":
      return formatRoute("predict");
    case "demo":
    case "import":
    case "profile":
      return formatRoute("runs");
    case "preflight":
    case "download":
      return formatRoute("devices");
  }
}

/** What a screen reader is told when a job changes its state; empty while it only goes on. */
export function announceJob(job: Job): string {
  switch (job.progress.state) {
    case "running":
      return `${job.title} started`;
    case "done":
      return `${job.title} done`;
    case "failed":
      return `${job.title} failed: ${job.progress.error.message}`;
    case "cancelled":
      return `${job.title} cancelled`;
    case "queued":
      return "";
  }
}
