import { sumClasses } from "../predict/additiveRates.ts";
import type { EndToEndLearner, EndToEndResult, EndToEndTask } from "../predict/endToEndTask.ts";
import { FitPool } from "../predict/fitPool.ts";
import { studentQuantile } from "../predict/interval.ts";
import { compileWork } from "../predict/workDesign.ts";
import type { AccuracyTrial } from "./accuracyTrial.ts";
import { findCoarseFamily } from "./coarseFamilies.ts";
import type { CpuScenarioData } from "./cpuScenarios.ts";
import { planSplits, type Split } from "./splits.ts";

/** What to study: every learner on every split of every scenario. */
export interface CpuStudyRequest {
  scenarios: readonly CpuScenarioData[];
  learners: readonly EndToEndLearner[];
  /** Networks to train on; a size that leaves none to test on is passed over. */
  trainSizes: readonly number[];
  /** Random splits of each size. */
  splits: number;
  seed: number;
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

type Protocol = AccuracyTrial["protocol"];
type PlannedSplit = Split & { protocol: Protocol };

/**
 * Learns from end-to-end times alone and tries the result on networks left out: at random, by family and by coarse family.
 * Each fit sees the training networks of its own split and scenario only. Rejects with `cancelled`.
 */
export async function studyCpu(request: CpuStudyRequest): Promise<AccuracyTrial[]> {
  const { scenarios, learners, workers, signal, onProgress } = request;
  const plans = scenarios.map((data) => ({ data, splits: planAll(data, request) }));
  const jobs = plans.flatMap(({ data, splits }) => {
    if (splits.length === 0) return [];
    const task = { ...describe(data), learners, sets: splits };
    return [{ data, splits, job: { kind: "end-to-end" as const, task } }];
  });
  const pool = new FitPool({ workers, signal });
  try {
    const results = await pool.run<"end-to-end">(
      jobs.map(({ job }) => job),
      (done, total) => onProgress?.(done, total, `${done} of ${total} scenarios`),
    );
    return jobs.flatMap(({ data, splits }, place) =>
      learners.flatMap((learner, of) =>
        splits.map((split, set) => describeTrial(data, learner, split, results[place]![of]![set]!)),
      ),
    );
  } finally {
    await pool.close();
  }
}

function describe({ networks, threads }: CpuScenarioData): Omit<EndToEndTask, "learners" | "sets"> {
  const works = networks.map(({ work }) => work);
  return {
    design: compileWork(works, threads),
    amounts: sumClasses(works),
    flops: Float64Array.from(works, ({ flops }) => flops),
    ms: Float64Array.from(networks, ({ measuredMs }) => measuredMs),
  };
}

function planAll(
  { networks }: CpuScenarioData,
  { trainSizes, splits, seed }: CpuStudyRequest,
): PlannedSplit[] {
  const families = networks.map(({ family }) => family);
  const coarse = families.map(findCoarseFamily);
  const sizes = trainSizes.filter((size) => size < networks.length);
  const plan = (protocol: Protocol, of: readonly string[], trained: readonly number[]): PlannedSplit[] => {
    const byFamily = protocol !== "random";
    if (byFamily ? new Set(of).size < 2 : trained.length === 0) return [];
    return planSplits({
      protocol: byFamily ? "family" : "random",
      families: of,
      trainSizes: trained,
      splits,
      seed,
    }).map((split) => ({ ...split, protocol }));
  };
  return [
    ...plan("random", families, sizes),
    ...plan("family", families, []),
    ...plan("coarse-family", coarse, []),
  ];
}

function describeTrial(
  { scenario, networks }: CpuScenarioData,
  learner: string,
  { protocol, trainSize, split, test }: PlannedSplit,
  { predictedMs, deviations }: EndToEndResult,
): AccuracyTrial {
  return {
    scenario,
    kind: "cpu",
    learner,
    protocol,
    trainSize,
    split,
    points: test.map((place, index) => {
      const { network, family, measuredMs } = networks[place]!;
      // Not calibrated by further fits, which could only widen it.
      const factor = deviations ? Math.exp(studentQuantile * deviations[index]!) : null;
      return { network, family, measuredMs, predictedMs: predictedMs[index]!, oracleMs: null, factor };
    }),
    kernels: [],
  };
}
