/**
 * An import in a process of its own that kills itself with SIGKILL at a chosen step: `node importChild.ts LAB FOLDER WHEN COUNT`. WHEN is
 * `report` for the COUNTth report of progress or `write` for the COUNTth network of the zoo that is put into an open transaction;
 * COUNT 0 lets it live. Prints its largest memory in bytes at the end.
 */
import { importPublished } from "../../src-main/lab/importPublished.ts";
import { ModelLibrary } from "../../src-main/lab/modelLibrary.ts";
import { openStore } from "../../src-main/store/database.ts";

const [lab, folder, when, count] = process.argv.slice(2) as [string, string, string, string];
let left = Number(count);

function step(kind: string): void {
  if (kind === when && --left === 0) process.kill(process.pid, "SIGKILL");
}

/** A library that tells of every network it takes in, which an import does inside its transactions. */
class WatchedLibrary extends ModelLibrary {
  override admit(...given: Parameters<ModelLibrary["admit"]>): ReturnType<ModelLibrary["admit"]> {
    const admitted = super.admit(...given);
    if (store.database.inTransaction) step("write");
    return admitted;
  }
}

const store = openStore(lab);
const context = { store, library: new WatchedLibrary(store), publish: () => undefined };
await importPublished(
  context,
  { path: folder },
  { signal: new AbortController().signal, onProgress: () => step("report") },
);
store.close();
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1024 }));
