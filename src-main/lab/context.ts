import type { Store } from "../store/database.ts";
import type { Lab, LabEvent } from "./contract.ts";
import type { JobRunner } from "./jobs.ts";
import type { ModelLibrary } from "./modelLibrary.ts";

/** What the calls of a lab share. */
export interface LabContext {
  store: Store;
  jobs: JobRunner;
  library: ModelLibrary;
  publish: (event: LabEvent) => void;
  /** The whole lab; there once it is put together. */
  lab: () => Lab;
}

/** Everything that loads this computer takes turns in this lane: a fit beside a measurement would falsify it. */
export const hostLane = "host";

/** Lets timers, messages and cancellation through between pieces of long work. */
export function takeBreath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** `1 model`, `2 models`. */
export function countNoun(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
