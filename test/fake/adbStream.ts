/** One stream of an adb connection, seen from the phone: a service talks through it to a client of the adb server. */
export interface StreamLink {
  readonly maxPayload: number;
  sendWrite(stream: AdbStream, data: Buffer): void;
  sendOkay(stream: AdbStream): void;
  sendClose(stream: AdbStream): void;
}

/** What a service does with what comes in. */
export interface StreamListener {
  /** The next write is acknowledged only after this has settled: that is the protocol's flow control. */
  onData(data: Buffer): Promise<void> | void;
  /** The other side closed the stream, or the connection ended. Not called after `close()`. */
  onClose(): void;
}

/** A stream allows one unacknowledged write in each direction. */
export class AdbStream {
  readonly localId: number;
  readonly remoteId: number;
  #link: StreamLink;
  #listener: StreamListener | null = null;
  #waiting: (() => void) | null = null;
  #writes: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(link: StreamLink, localId: number, remoteId: number) {
    this.#link = link;
    this.localId = localId;
    this.remoteId = remoteId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** Sends bytes in order; settles when the other side has taken them all, or when the stream has ended. */
  write(data: Buffer): Promise<void> {
    this.#writes = this.#writes.then(async () => {
      for (let at = 0; at < data.length && !this.#closed; at += this.#link.maxPayload) {
        const taken = new Promise<void>((resolve) => (this.#waiting = resolve));
        this.#link.sendWrite(this, data.subarray(at, at + this.#link.maxPayload));
        await taken;
      }
    });
    return this.#writes;
  }

  /** Closes from the phone's side, after what was written. */
  async close(): Promise<void> {
    await this.#writes;
    if (this.#closed) return;
    this.#closed = true;
    this.#link.sendClose(this);
  }

  /** The other side took the last write. */
  acknowledge(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  async receive(data: Buffer): Promise<void> {
    await this.#listener?.onData(data);
    if (!this.#closed) this.#link.sendOkay(this);
  }

  /** The other side closed the stream, or the connection is gone. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.acknowledge();
    this.#listener?.onClose();
  }
}
