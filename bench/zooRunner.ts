import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RuntimeVerdict } from "./runZooNetwork.ts";
import type { RunPrecision } from "./zooReport.ts";

/** A network of the zoo and the form in which it is to run. */
export interface RunRequest {
  name: string;
  precision: RunPrecision;
}

const program = fileURLToPath(new URL("./zooRunnerProcess.ts", import.meta.url));

/** Runs networks of the zoo one after another in a process that is started again when a network has ended it. */
export class ZooRunner {
  private child: ChildProcess | null = null;
  private readonly libraryPath: string;
  private readonly folder: string;

  /** `folder` takes the files while they run. */
  constructor(libraryPath: string, folder: string) {
    this.libraryPath = libraryPath;
    this.folder = folder;
  }

  /** Runs one network; a process that ends is a verdict like others. */
  run(request: RunRequest): Promise<RuntimeVerdict> {
    const child = (this.child ??= fork(program, [this.libraryPath, this.folder]));
    return new Promise((resolve) => {
      const end = (verdict: RuntimeVerdict) => {
        child.removeAllListeners();
        resolve(verdict);
      };
      child.once("message", (verdict) => end(verdict as RuntimeVerdict));
      child.once("exit", (code, signal) => {
        this.child = null;
        const reason = `the process ended (${signal ?? `exit code ${code}`})`;
        end({ fileBytes: null, ran: null, reason, levels: null, roundTrip: null });
      });
      child.send(request);
    });
  }

  /** Ends the process. */
  close(): void {
    this.child?.disconnect();
    this.child = null;
  }
}
