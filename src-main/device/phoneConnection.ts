/** What a command on the phone left behind. */
export interface ShellResult {
  exitCode: number;
  /** Decoded as UTF-8 with replacement characters; a phone's output is untrusted text. */
  stdout: string;
  stderr: string;
  /** The output was longer than the limit and was cut there. */
  truncated: boolean;
}

export interface ShellOptions {
  signal?: AbortSignal | undefined;
  /** Ends the command and rejects with phone-refused after this time; no limit when absent. */
  timeoutMs?: number | undefined;
  /** Bytes kept of each stream; 1 MB when absent. What is beyond is read and dropped, so that the command goes on. */
  limitBytes?: number | undefined;
  /** Called with stdout as it comes. */
  onStdout?: ((text: string) => void) | undefined;
  /** The same of stderr: what was said before a phone is lost comes in no other way. */
  onStderr?: ((text: string) => void) | undefined;
}

export interface TransferOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * One phone as long as it is connected: everything the lab does on a phone goes through this. Every call rejects with
 * `phone-lost` when the connection ends under it, at once also for calls made after that, and with `cancelled` on abort.
 */
export interface PhoneConnection {
  /** The device's id in the lab. */
  readonly id: string;
  readonly serial: string;
  /** Aborted once the connection has ended, with a `phone-lost` error as reason. */
  readonly lost: AbortSignal;
  /**
   * Runs a shell command line over shell v2 to its end; a failing command is a result, not a rejection. Whatever comes from
   * outside must be in the line through `quote`. Aborting closes the stream, upon which the phone ends the command.
   */
  run(command: string, options?: ShellOptions): Promise<ShellResult>;
  /** Puts a file on the phone; `mode` as in chmod. Rejects with phone-refused when the phone does not take it (full, denied). */
  push(
    source: { path: string } | Uint8Array,
    remotePath: string,
    mode: number,
    options?: TransferOptions,
  ): Promise<void>;
  /** Reads a file of the phone; null when there is none. Rejects with phone-refused when it is longer than `limitBytes`. */
  pull(
    remotePath: string,
    options: { limitBytes: number; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array | null>;
  /** Gives the connection's resources up. */
  close(): Promise<void>;
}
