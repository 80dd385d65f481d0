import type { AccuracyTrial } from "./accuracyTrial.ts";

/** What an accuracy study is asked for. */
export interface AccuracyStudyRequest {
  /** Folder of the published data set, or one inside it that holds its files. */
  folder: string;
  /** Random splits of each training size. */
  seeds: number;
  /** Empty for the study's usual ones. */
  trainSizes: readonly number[];
  /** Empty for all the study has. */
  learners: readonly string[];
  /** Scenarios whose id matches; null for all. */
  scenarios: RegExp | null;
  /** Worker threads at most. */
  workers: number;
  signal: AbortSignal;
  onProgress: (done: number, total: number, note: string) => void;
}

/** Fits and tries predictors on published measurements. Rejects with `data-unreadable`, `bad-request` or `cancelled`. */
export type AccuracyStudy = (request: AccuracyStudyRequest) => Promise<AccuracyTrial[]>;
