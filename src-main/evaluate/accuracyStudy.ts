import type { AccuracyTrial } from "./accuracyTrial.ts";

/** What an accuracy study is asked for. */
export interface AccuracyStudyRequest {
  /** Folder of the published data set, or one inside it that holds its files. */
  folder: string;
  /** Random splits of each training size. */
  seeds: number;
  /** Empty for the usual ones: some small ones and four fifths of a scenario's networks. */
  trainSizes: readonly number[];
  /** Those the study does not have are passed over; empty for all. */
  learners: readonly string[];
  /** Scenarios whose id matches; null for all. */
  scenarios: RegExp | null;
  /** Worker threads at most. */
  workers: number;
  signal: AbortSignal;
  onProgress: (done: number, total: number, note: string) => void;
}

/** Fits predictors on published measurements and tries them on networks left out. */
export interface AccuracyStudy {
  kind: AccuracyTrial["kind"];
  learners: readonly string[];
  /** Rejects with `data-unreadable` or `cancelled`; no trials where no scenario matches. */
  run: (request: AccuracyStudyRequest) => Promise<AccuracyTrial[]>;
}

const usualSizes = [10, 20, 30, 50];

/** Training sizes for a scenario with so many networks. */
export function chooseTrainSizes({ trainSizes }: AccuracyStudyRequest, networks: number): number[] {
  if (trainSizes.length > 0) return trainSizes.filter((size) => size < networks);
  const largest = Math.floor(networks * 0.8);
  return [...usualSizes.filter((size) => size < largest), largest];
}
