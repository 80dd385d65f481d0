import { parentPort } from "node:worker_threads";
import { runFitJob, type FitJob } from "./fitJob.ts";

// One job at a time; the pool sends the next when it has the answer.
parentPort!.on("message", ({ place, job }: { place: number; job: FitJob }) => {
  parentPort!.postMessage({ place, result: runFitJob(job) });
});
