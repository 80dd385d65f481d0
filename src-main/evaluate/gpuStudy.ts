import type { LearnerChoice } from "../lab/contract.ts";
import { overheadOf } from "../predict/assembly.ts";
import type { Dataset } from "../predict/dataset.ts";
import { fewestNetworks, fitTrainingSets, readDataset, type FittedCore } from "../predict/predictor.ts";
import { intervalFactor, tryOnHeldOut } from "../predict/validation.ts";
import type { AccuracyPoint, AccuracyTrial } from "./accuracyTrial.ts";
import type { GpuPhoneData } from "./gpuPhones.ts";
import { planSplits, type Split } from "./splits.ts";

/** What to try on GPUs and how. */
export interface GpuStudyRequest {
  phones: readonly GpuPhoneData[];
  learners: readonly LearnerChoice[];
  /** Sizes of random training sets; those that leave a phone fewer than 5 networks to test on are left out there. */
  trainSizes: readonly number[];
  /** Random splits of each size. */
  splits: number;
  seed: number;
  /** Also leaves out one family at a time, and one group of families as this names it. */
  coarseFamilyOf?: ((family: string) => string) | undefined;
  /** Which protocols; default all, the coarse one where `coarseFamilyOf` is given. */
  protocols?: readonly AccuracyTrial["protocol"][] | undefined;
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

/** Training sets that are fitted together: enough to keep threads busy, few enough to be forgotten again. */
const setsTogether = 16;
const fewestToTest = 5;

/**
 * Fits every learner on the training networks of every split of every phone and tries it on all others, phone by phone. Test
 * networks are predicted from their graphs alone. Rejects with `too-little-data` or `cancelled`.
 */
export async function* studyGpu(request: GpuStudyRequest): AsyncGenerator<AccuracyTrial> {
  const plans = request.phones.map((phone) => {
    const dataset = readDataset(phone.scenario, phone.networks, phone.gpu);
    return { phone, dataset, splits: planProtocols(dataset, request) };
  });
  const total = plans.reduce((sum, { splits }) => sum + splits.length, 0);
  let done = 0;
  for (const { phone, dataset, splits } of plans) {
    for (let first = 0; first < splits.length; first += setsTogether) {
      const chunk = splits.slice(first, first + setsTogether);
      const note = `${phone.scenario}: split ${first + 1} of ${splits.length}`;
      request.onProgress?.(done, total, note);
      const { seed, workers, signal } = request;
      const fitted = await fitTrainingSets(
        dataset,
        chunk.map(({ split }) => split),
        request.learners,
        { scenario: phone.scenario, seed, workers, signal },
      );
      for (const [place, planned] of chunk.entries())
        for (const core of fitted[place]!) yield tryCore(phone.scenario, dataset, planned, core);
      done += chunk.length;
    }
  }
  request.onProgress?.(total, total, "all splits tried");
}

interface PlannedSplit {
  protocol: AccuracyTrial["protocol"];
  split: Split;
}

function planProtocols(dataset: Dataset, request: GpuStudyRequest): PlannedSplit[] {
  const { splits, seed, coarseFamilyOf } = request;
  const families = dataset.networks.map(({ family }) => family);
  const largest = families.length - fewestToTest;
  const trainSizes = request.trainSizes.filter((size) => size <= largest && size >= fewestNetworks);
  const wants = (protocol: AccuracyTrial["protocol"]) => request.protocols?.includes(protocol) ?? true;
  const planned: PlannedSplit[] = [];
  const add = (protocol: AccuracyTrial["protocol"], list: readonly Split[]) => {
    for (const split of list) if (split.train.length >= fewestNetworks) planned.push({ protocol, split });
  };
  if (wants("random") && trainSizes.length > 0)
    add("random", planSplits({ protocol: "random", families, trainSizes, splits, seed }));
  const leaveOut = (protocol: "family" | "coarse-family", names: readonly string[]) => {
    if (wants(protocol) && new Set(names).size > 1)
      add(protocol, planSplits({ protocol: "family", families: names, trainSizes: [], splits, seed }));
  };
  leaveOut("family", families);
  if (coarseFamilyOf) leaveOut("coarse-family", families.map(coarseFamilyOf));
  return planned;
}

function tryCore(
  scenario: string,
  dataset: Dataset,
  { protocol, split }: PlannedSplit,
  { learner, core }: FittedCore,
): AccuracyTrial {
  const heldOut = tryOnHeldOut(core, dataset, split);
  return {
    scenario,
    kind: "gpu",
    learner,
    protocol,
    trainSize: split.trainSize,
    split: split.split,
    points: heldOut.map((held): AccuracyPoint => {
      const { network, predictedMs } = held;
      const row = dataset.networks[network]!;
      const overheadMs = overheadOf(core, row, row.gpuWork?.times ?? []);
      return {
        network: row.model,
        family: row.family,
        measuredMs: row.latencyMs,
        predictedMs,
        oracleMs: row.kernelMs + row.uncoveredMs + overheadMs,
        factor: intervalFactor(core, held),
      };
    }),
    kernels: heldOut.flatMap(({ kernels }) => kernels),
  };
}
