/** The first bytes of an output, up to a limit; the rest is counted as cut and dropped. */
export class KeptOutput {
  readonly #pieces: Uint8Array[] = [];
  #left: number;
  #truncated = false;

  constructor(limitBytes: number) {
    this.#left = limitBytes;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length > this.#left) this.#truncated = true;
    if (this.#left === 0) return;
    const kept = bytes.subarray(0, this.#left);
    this.#left -= kept.length;
    this.#pieces.push(kept);
  }

  /** What was kept, as UTF-8 with replacement characters. */
  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}
