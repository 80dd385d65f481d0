import { ProgressLine, type ProgressStream } from "../src-main/cli/progress.ts";
import { EtaEstimator } from "../src-main/lab/eta.ts";

/** Tells on a stream how a study goes, with the time left. */
export class StudyProgress {
  private readonly line: ProgressLine;
  private readonly title: string;
  private readonly stream: ProgressStream;
  private begun = false;
  private readonly eta = new EtaEstimator(performance.now());

  constructor(title: string, stream: ProgressStream) {
    this.title = title;
    this.line = new ProgressLine(stream);
    this.stream = stream;
  }

  show(done: number, total: number, note: string): void {
    // A log has nothing to see for a while.
    if (!this.begun && !this.stream.isTTY) this.stream.write(`${this.title}: begun\n`);
    this.begun = true;
    const etaMs = this.eta.update(performance.now(), done, total);
    this.line.show({
      id: 0,
      kind: "evaluate",
      title: this.title,
      startedAt: "",
      run: null,
      progress: { state: "running", done, total, etaMs, note: `${this.title}: ${note}` },
    });
  }

  clear(): void {
    this.line.clear();
  }
}
