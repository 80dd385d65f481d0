import type { PublishedFile } from "../published/publishedFiles.ts";
import type { JobContext } from "./jobs.ts";

/** Importing a byte takes about so many times as long as checking it. */
const importWeight = 3;

/** How far an import is in all: every file is checked, then every file is imported. */
export class ImportProgress {
  private readonly total: number;
  private readonly onProgress: JobContext["onProgress"];
  private before = 0;

  constructor(files: readonly PublishedFile[], onProgress: JobContext["onProgress"]) {
    this.total = Math.max(
      1,
      files.reduce((sum, { bytes }) => sum + (1 + importWeight) * bytes, 0),
    );
    this.onProgress = onProgress;
  }

  tell(step: "check" | "import", bytes: number, note: string): void {
    this.onProgress((this.before + weigh(step) * bytes) / this.total, 1, note);
  }

  finish(step: "check" | "import", { bytes }: PublishedFile): void {
    this.before += weigh(step) * bytes;
  }
}

function weigh(step: "check" | "import"): number {
  return step === "import" ? importWeight : 1;
}
