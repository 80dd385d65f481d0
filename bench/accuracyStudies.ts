import { tabulateAccuracy } from "../src-main/evaluate/accuracyTable.ts";
import type { AccuracyTrial } from "../src-main/evaluate/accuracyTrial.ts";
import { cpuAccuracy } from "../src-main/evaluate/cpuAccuracy.ts";
import { gpuAccuracy } from "../src-main/evaluate/gpuAccuracy.ts";
import { readInferenceScatter } from "../src-main/evaluate/inferenceScatter.ts";
import { badRequest } from "../src-main/lab/errors.ts";
import type { ProgressStream } from "../src-main/cli/progress.ts";
import type { AccuracyResult } from "../src-main/report/accuracyResult.ts";
import type { AccuracyOptions } from "./accuracyOptions.ts";
import { StudyProgress } from "./accuracyProgress.ts";

/** Runs the studies that the options ask for, one after another; rejects with `data-unreadable`, `bad-request` or `cancelled`. */
export async function runAccuracyStudies(
  options: AccuracyOptions,
  signal: AbortSignal,
  stream: ProgressStream,
): Promise<AccuracyResult> {
  const start = performance.now();
  const trials: AccuracyTrial[] = [];
  const known = studies.flatMap(({ study }) => study.learners);
  const unknown = options.learners.find((learner) => !known.includes(learner));
  if (unknown !== undefined)
    throw badRequest(`There is no learner ${unknown}`, `Choose ${[...new Set(known)].join(", ")}.`);
  for (const { title, study } of studies) {
    if (options.only !== null && options.only !== study.kind) continue;
    const progress = new StudyProgress(title, stream);
    try {
      const onProgress = (done: number, total: number, note: string) => progress.show(done, total, note);
      trials.push(...(await study.run({ ...options, signal, onProgress })));
    } finally {
      progress.clear();
    }
    signal.throwIfAborted();
  }
  if (trials.length === 0)
    throw badRequest(
      "There is nothing to evaluate",
      "Choose other --scenarios, --learners or --only; without them all are taken.",
    );
  const networks = new Set(trials.flatMap(({ points }) => points.map(({ network }) => network)));
  return {
    trials,
    table: tabulateAccuracy(trials),
    scatter: await readInferenceScatter(options.folder, networks),
    seconds: (performance.now() - start) / 1000,
  };
}

const studies = [
  { title: "GPUs", study: gpuAccuracy },
  { title: "CPUs", study: cpuAccuracy },
];
