import { z } from "zod";
import type { RawSample } from "./speedState.ts";

const times = z.array(z.number().nonnegative());
const knownTimes = z.array(z.number().nonnegative().nullable());

const samplesFile = z.object({
  format: z.literal(1),
  referenceUs: z.number().nonnegative(),
  threads: z.number().int().positive(),
  canaryUs: times,
  atUs: times,
  us: times,
  canaryBeforeUs: knownTimes,
  canaryAfterUs: knownTimes,
  waitedUs: knownTimes,
  initUs: z.number().nonnegative(),
  firstInferenceUs: z.number().nonnegative(),
  runtimeVersion: z.string(),
});

/** The host benchmark's file of raw samples; all times in µs, one entry a measured inference except `canaryUs`. */
export type SamplesFile = z.infer<typeof samplesFile>;

/** Reads a samples file's text; null when it is not one (the process was killed while writing, or wrote nothing). */
export function parseSamplesFile(text: string): SamplesFile | null {
  try {
    return samplesFile.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The samples of the file, one object an inference. */
export function listRawSamples(file: SamplesFile): RawSample[] {
  return file.us.map((us, index) => ({
    us,
    atUs: file.atUs[index] ?? 0,
    canaryBeforeUs: file.canaryBeforeUs[index] ?? null,
    canaryAfterUs: file.canaryAfterUs[index] ?? null,
    waitedUs: file.waitedUs[index] ?? null,
  }));
}
