import { endToEndLearners } from "../predict/endToEndTask.ts";
import { findPublishedFiles } from "../published/publishedFiles.ts";
import { chooseTrainSizes, type AccuracyStudy } from "./accuracyStudy.ts";
import type { AccuracyTrial } from "./accuracyTrial.ts";
import { readCpuScenarios } from "./cpuScenarios.ts";
import { studyCpu } from "./cpuStudy.ts";

/** CPUs: predictors fitted on end-to-end times alone. */
export const cpuAccuracy: AccuracyStudy = {
  kind: "cpu",
  learners: endToEndLearners,
  async run(request) {
    const { folder, seeds, workers, signal, onProgress } = request;
    const chosen = endToEndLearners.filter(
      (name) => request.learners.length === 0 || request.learners.includes(name),
    );
    if (chosen.length === 0) return [];
    const { files } = findPublishedFiles(folder);
    // Convolutional networks of papers: those the published studies are about.
    const paths = files.flatMap(({ path, about }) =>
      about.framework === "tflite" && about.kind === "cnn" && about.set === "real" && about.info === "e2e"
        ? [path]
        : [],
    );
    const { scenarios } = await readCpuScenarios(
      paths,
      (id) => !id.includes("/gpu/") && (request.scenarios?.test(id) ?? true),
    );
    // Scenarios of one size share their training sizes.
    const groups = [...Map.groupBy(scenarios, ({ networks }) => networks.length)];
    const trials: AccuracyTrial[] = [];
    let before = 0;
    for (const [networks, group] of groups) {
      signal.throwIfAborted();
      const study = await studyCpu({
        scenarios: group,
        learners: chosen,
        trainSizes: chooseTrainSizes(request, networks),
        splits: seeds,
        seed: 0,
        workers,
        signal,
        onProgress: (done, _total, note) => onProgress(before + done, scenarios.length, note),
      });
      trials.push(...study);
      before += group.length;
    }
    return trials;
  },
};
