import { resolve } from "node:path";
import type { Environment } from "../device/adbProgram.ts";
import { openStore } from "../store/database.ts";
import { createBinaryCalls } from "./binaryCalls.ts";
import type { LabContext } from "./context.ts";
import type { Lab, LabEvent } from "./contract.ts";
import { createDeviceCalls } from "./deviceCalls.ts";
import { createImportCalls } from "./importCalls.ts";
import { createJobCalls } from "./jobCalls.ts";
import { JobRunner } from "./jobs.ts";
import { createKernelCalls } from "./kernelCalls.ts";
import { createModelCalls } from "./modelCalls.ts";
import { ModelLibrary } from "./modelLibrary.ts";
import { createPhoneCalls } from "./phoneCalls.ts";
import { PhoneTracker } from "./phoneTracker.ts";
import { createPredictorCalls } from "./predictorCalls.ts";
import { checkRequests } from "./requests.ts";
import { createRunCalls } from "./runCalls.ts";

/** What a lab is opened with. */
export interface LabOptions {
  /** The data folder; created when missing. */
  folder: string;
  /** How phones are reached; the environment is that of the process when not given. */
  adb?: { env?: Environment };
  /** Path of a list of published benchmark programs in place of the one that comes with the lab. */
  publishedBinaries?: string;
}

/** A lab in this process. */
export type OpenedLab = Lab & {
  /** Cancels what is running, waits for it and closes the lab's file. */
  close(): Promise<void>;
};

/** Opens the lab in a folder; rejects with lab-newer, lab-locked, lab-unwritable, lab-corrupt or disk-full. */
export async function openLab({ folder, adb, publishedBinaries }: LabOptions): Promise<OpenedLab> {
  const store = openStore(resolve(folder));
  const listeners = new Set<(event: LabEvent) => void>();
  const publish = (event: LabEvent) => {
    for (const listener of [...listeners]) listener(event);
  };
  const jobs = new JobRunner(publish);
  const phones = new PhoneTracker({ store, publish, env: adb?.env ?? process.env });
  const library = new ModelLibrary(store);
  const context: LabContext = { store, jobs, library, phones, publishedBinaries, publish, lab: () => lab };
  const lab = checkRequests({
    ...createDeviceCalls(context),
    ...createPhoneCalls(context),
    ...createBinaryCalls(context),
    ...createModelCalls(context),
    ...createKernelCalls(context),
    ...createRunCalls(context),
    ...createImportCalls(context),
    ...createPredictorCalls(context),
    ...createJobCalls(context),
    subscribe(listener) {
      // A function of its own, so that a listener given twice is called twice and removed once.
      const entry = (event: LabEvent) => listener(event);
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  });
  return {
    ...lab,
    async close() {
      await jobs.close();
      await phones.close();
      listeners.clear();
      store.close();
    },
  };
}
