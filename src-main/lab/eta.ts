/**
 * Guesses the time left from the pace of the last steps. A trimmed mean: one long step (a model that hangs until its
 * deadline) must not double the guess, while a pace that alternates must not be told by its faster half alone.
 */
export class EtaEstimator {
  private readonly pace: number[] = [];
  private lastAt: number;
  private lastDone = 0;

  constructor(startMs: number) {
    this.lastAt = startMs;
  }

  /** Takes note of progress at a moment; returns the time left in ms, or null while nothing is known. */
  update(nowMs: number, done: number, total: number): number | null {
    if (done < this.lastDone) this.pace.length = 0;
    else if (done > this.lastDone) {
      this.pace.push((nowMs - this.lastAt) / (done - this.lastDone));
      if (this.pace.length > window) this.pace.shift();
    }
    if (done !== this.lastDone) {
      this.lastDone = done;
      this.lastAt = nowMs;
    }
    const perStep = this.estimatePace();
    if (perStep === null) return null;
    const sinceLast = nowMs - this.lastAt;
    return Math.max(0, Math.round(perStep * Math.max(0, total - done) - Math.min(sinceLast, perStep)));
  }

  private estimatePace(): number | null {
    if (this.pace.length === 0) return null;
    const sorted = [...this.pace].sort((a, b) => a - b);
    const cut = Math.floor(sorted.length / 10);
    const kept = sorted.slice(cut, sorted.length - cut);
    return kept.reduce((sum, ms) => sum + ms, 0) / kept.length;
  }
}

const window = 40;
