import type { LearnerChoice } from "../lab/contract.ts";
import { chooseTrainSizes, type AccuracyStudy } from "./accuracyStudy.ts";
import type { AccuracyTrial } from "./accuracyTrial.ts";
import { findCoarseFamily } from "./coarseFamilies.ts";
import { readGpuPhones } from "./gpuPhones.ts";
import { studyGpu } from "./gpuStudy.ts";

const learners: readonly LearnerChoice[] = [
  "lasso",
  "forest",
  "boosting",
  "perceptron",
  "linear-boosting",
  "auto",
];

/** GPUs: predictors fitted on the times of kernels. */
export const gpuAccuracy: AccuracyStudy = {
  kind: "gpu",
  learners,
  async run(request) {
    const { folder, scenarios, seeds, workers, signal, onProgress } = request;
    const chosen = learners.filter(
      (name) => request.learners.length === 0 || request.learners.includes(name),
    );
    if (chosen.length === 0) return [];
    const { phones } = await readGpuPhones(folder);
    const wanted = phones.filter(({ scenario }) => scenarios?.test(scenario) ?? true);
    const trials: AccuracyTrial[] = [];
    for (const [place, phone] of wanted.entries()) {
      signal.throwIfAborted();
      const study = studyGpu({
        phones: [phone],
        learners: chosen,
        trainSizes: chooseTrainSizes(request, phone.networks.length),
        splits: seeds,
        seed: 0,
        coarseFamilyOf: findCoarseFamily,
        workers,
        signal,
        onProgress: (done, total, note) => onProgress(place * total + done, wanted.length * total, note),
      });
      for await (const trial of study) trials.push(trial);
    }
    return trials;
  },
};
