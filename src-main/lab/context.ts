import type { Store } from "../store/database.ts";
import type { Device, Lab, LabEvent } from "./contract.ts";
import type { JobRunner } from "./jobs.ts";
import type { ModelLibrary } from "./modelLibrary.ts";
import type { PhoneTracker } from "./phoneTracker.ts";

/** What the calls of a lab share. */
export interface LabContext {
  store: Store;
  jobs: JobRunner;
  library: ModelLibrary;
  phones: PhoneTracker;
  /** A list of published benchmark programs in place of the one that comes with the lab. */
  publishedBinaries: string | undefined;
  publish: (event: LabEvent) => void;
  /** The whole lab; there once it is put together. */
  lab: () => Lab;
}

/** Everything that loads this computer takes turns in this lane: a fit beside a measurement would falsify it. */
export const hostLane = "host";

/** The lane of what measures a device: each phone has its own, so that one that is slow or gone never holds the others. */
export function laneOf(device: Pick<Device, "id" | "kind">): string {
  return device.kind === "adb" ? `phone:${device.id}` : hostLane;
}

/** Lets timers, messages and cancellation through between pieces of long work. */
export function takeBreath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** `1 model`, `2 models`. */
export function countNoun(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
