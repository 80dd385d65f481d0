/** Between two tellings of the same. */
const leastMs = 250;

/** Tells that something changed, at once and then not more often than a listener can follow; the last change is always told. */
export class Publisher {
  private readonly tell: () => void;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private pending = false;
  private stopped = false;

  constructor(tell: () => void) {
    this.tell = tell;
  }

  announce(): void {
    if (this.stopped) return;
    if (this.timer) {
      this.pending = true;
      return;
    }
    this.tell();
    this.timer = setTimeout(() => {
      this.timer = null;
      if (!this.pending) return;
      this.pending = false;
      this.announce();
    }, leastMs);
    this.timer.unref();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
  }
}
