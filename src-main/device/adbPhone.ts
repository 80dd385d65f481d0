import { setMaxListeners } from "node:events";
import { type ReadStream, createReadStream } from "node:fs";
import { AdbSyncError, AdbSyncSocket, adbSyncPullGenerator, adbSyncPushV1 } from "@yume-chan/adb";
import { ReadableStream, TransformStream } from "@yume-chan/stream-extra";
import { LabError, badRequest, cancelled } from "../lab/errors.ts";
import { phoneLost, phoneRefused, phoneUnavailable } from "../lab/phoneErrors.ts";
import { type AdbServer, type PhoneStream } from "./adbServer.ts";
import { KeptOutput } from "./keptOutput.ts";
import type { PhoneConnection, ShellOptions, ShellResult, TransferOptions } from "./phoneConnection.ts";
import { ShellPackets, closeStdinPacket } from "./shellPackets.ts";

const defaultLimitBytes = 1_000_000;
const transferPacketBytes = 64 * 1024;
const transferBufferBytes = 256 * 1024;
// adbd takes 1024 bytes in a sync request, of which the mode needs some.
const longestPathBytes = 1000;
const longestName = 60;
const longestAnswer = 200;
const longestTimerMs = 2 ** 31 - 1;
const ended = new Error("the call has ended");

/** A call that is under way. */
interface Call {
  what: string;
  stop: AbortController;
}

interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** A phone behind an adb server. Needs the shell protocol of Android 7 or newer. */
export class AdbPhone implements PhoneConnection {
  readonly id: string;
  readonly serial: string;
  readonly #server: AdbServer;
  readonly #key: string;
  readonly #lost = new AbortController();
  readonly #calls = new Set<Call>();
  readonly #stopWatching: () => void;
  #closed = false;

  private constructor(server: AdbServer, key: string, id: string, serial: string) {
    this.#server = server;
    this.#key = key;
    this.id = id;
    this.serial = serial;
    setMaxListeners(0, this.#lost.signal);
    this.#stopWatching = server.onGone(key, () => this.#lose());
  }

  /**
   * Connects to the phone behind `key` of a server. Rejects with phone-lost when it is gone and with phone-unavailable when it
   * is too old to tell exit codes and to keep stdout and stderr apart.
   */
  static async connect(
    server: AdbServer,
    phone: { key: string; id: string; serial: string },
    signal?: AbortSignal,
  ): Promise<AdbPhone> {
    const connection = new AdbPhone(server, phone.key, phone.id, phone.serial);
    try {
      const features = await connection.#call("being connected", { signal }, (stop) =>
        server.features(phone.key, stop),
      );
      if (!features.has("shell_v2"))
        throw phoneUnavailable(
          phone.id,
          "its adb daemon tells no exit codes (Android 6 or older)",
          "Measure on a phone with Android 7 or newer.",
        );
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async run(command: string, options: ShellOptions = {}): Promise<ShellResult> {
    if (command.includes("\0"))
      throw badRequest(
        "A command line for the phone holds a NUL character",
        "What comes from outside goes through quote().",
      );
    return this.#call(`running ${shorten(command)}`, options, async (stop) => {
      const stream = await this.#server.open(this.#key, `shell,v2,raw:${command.toWellFormed()}`, stop);
      return readShell(stream, options);
    });
  }

  async push(
    source: { path: string } | Uint8Array,
    remotePath: string,
    mode: number,
    options: TransferOptions = {},
  ): Promise<void> {
    checkRemotePath(remotePath);
    const name = shorten(remotePath);
    // Opened first: a file that cannot be read is no matter of the phone's.
    const file = source instanceof Uint8Array ? null : await openSource(source.path);
    const pieces = file ? readPieces(file) : splitBytes(source as Uint8Array);
    try {
      await this.#call(`putting ${name} on it`, options, (stop) =>
        this.#send(pieces, remotePath, mode, options, stop),
      );
    } finally {
      file?.destroy();
    }
  }

  async #send(
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    remotePath: string,
    mode: number,
    options: TransferOptions,
    stop: AbortSignal,
  ): Promise<void> {
    const stream = await this.#server.open(this.#key, "sync:", stop);
    let failure: CallerError | null = null;
    // The library waits for the phone's answer whatever becomes of the file; a closed connection is one.
    const fail = (error: unknown) => {
      failure = new CallerError(error);
      void stream.close();
    };
    try {
      await adbSyncPushV1({
        socket: new AdbSyncSocket({ ...stream, service: "sync:" }, transferBufferBytes),
        filename: remotePath.toWellFormed(),
        file: ReadableStream.from<Uint8Array>(watchPieces(pieces, options.onProgress, fail)),
        permission: mode & 0o7777,
        packetSize: transferPacketBytes,
      });
    } catch (error) {
      if (failure) throw failure;
      if (!(error instanceof AdbSyncError)) throw error;
      throw phoneRefused(
        this.id,
        `put ${shorten(remotePath)} on the phone`,
        shorten(error.message, longestAnswer),
      );
    }
  }

  async pull(
    remotePath: string,
    options: { limitBytes: number; signal?: AbortSignal | undefined },
  ): Promise<Uint8Array | null> {
    checkRemotePath(remotePath);
    const name = shorten(remotePath);
    return this.#call(`reading ${name}`, options, async (stop) => {
      const stream = await this.#server.open(this.#key, "sync:", stop);
      const readable = stream.readable.pipeThrough(endBeyond(options.limitBytes));
      const socket = new AdbSyncSocket({ ...stream, readable, service: "sync:" }, transferBufferBytes);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      try {
        for await (const chunk of adbSyncPullGenerator(socket, remotePath.toWellFormed())) {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= options.limitBytes) continue;
          // Before the loop is left, or the library would read the whole rest.
          await stream.close();
          throw new TooLong();
        }
        return Buffer.concat(chunks);
      } catch (error) {
        if (error instanceof TooLong)
          throw phoneRefused(this.id, `give ${name}`, `it is longer than ${options.limitBytes} bytes`);
        if (!(error instanceof AdbSyncError)) throw error;
        if (/No such file or directory|Not a directory/.test(error.message)) return null;
        throw phoneRefused(this.id, `give ${name}`, shorten(error.message, longestAnswer));
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWatching();
    for (const call of this.#calls) call.stop.abort(cancelled());
  }

  /** Runs one call; whatever ends it early also closes its connection, upon which the phone ends the command. */
  async #call<T>(what: string, options: CallOptions, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#closed || this.lost.aborted) throw phoneLost(this.id, what);
    if (options.signal?.aborted) throw cancelled();
    const call: Call = { what, stop: new AbortController() };
    const { stop } = call;
    const abort = () => stop.abort(cancelled());
    if (options.signal) setMaxListeners(0, options.signal);
    options.signal?.addEventListener("abort", abort);
    const { timeoutMs } = options;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () =>
              stop.abort(
                phoneRefused(this.id, `finish ${what} within ${timeoutMs / 1000} s`, "it was ended"),
              ),
            Math.min(timeoutMs, longestTimerMs),
          );
    this.#calls.add(call);
    try {
      return await endWith(work(stop.signal), stop.signal);
    } catch (error) {
      throw await this.#explain(error, call);
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      this.#calls.delete(call);
      // Closes the connection, also one that is just being opened.
      if (!stop.signal.aborted) stop.abort(ended);
    }
  }

  async #explain(error: unknown, call: Call): Promise<unknown> {
    if (call.stop.signal.aborted) return call.stop.signal.reason;
    if (error instanceof CallerError) return error.cause;
    if (error instanceof LabError) return error;
    // adb's server refuses with `closed` both when the phone refuses a service and when it goes away meanwhile.
    if (error instanceof Error && error.message === "closed") {
      await this.#server.refresh();
      if (!this.lost.aborted) return phoneRefused(this.id, `start ${call.what}`, "its adb daemon refused");
    } else void this.#server.refresh();
    this.#lose();
    return phoneLost(this.id, call.what);
  }

  #lose(): void {
    if (this.#closed || this.lost.aborted) return;
    const calls = [...this.#calls];
    this.#lost.abort(phoneLost(this.id, calls[0]?.what ?? "nothing was running on it"));
    for (const call of calls) call.stop.abort(phoneLost(this.id, call.what));
  }
}

/** An error of the caller's own, a listener or a local file; the phone has nothing to do with it. */
class CallerError extends Error {
  constructor(cause: unknown) {
    super("the caller failed", { cause });
  }
}

class TooLong extends Error {}

async function readShell(stream: PhoneStream, options: ShellOptions): Promise<ShellResult> {
  const limitBytes = options.limitBytes ?? defaultLimitBytes;
  const stdout = new KeptOutput(limitBytes);
  const stderr = new KeptOutput(limitBytes);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const errorDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let exitCode: number | null = null;
  const packets = new ShellPackets({
    onStdout: (bytes) => {
      stdout.add(bytes);
      tell(options.onStdout, decoder.decode(bytes, { stream: true }));
    },
    onStderr: (bytes) => {
      stderr.add(bytes);
      tell(options.onStderr, errorDecoder.decode(bytes, { stream: true }));
    },
    onExit: (code) => (exitCode ??= code),
  });
  // Nobody types on the phone: a command that reads its input finds the end of it.
  void stream.writable.getWriter().write(closeStdinPacket());
  const reader = stream.readable.getReader();
  while (exitCode === null) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the connection ended before the command");
    packets.push(value);
  }
  tell(options.onStdout, decoder.decode());
  tell(options.onStderr, errorDecoder.decode());
  const truncated = stdout.truncated || stderr.truncated;
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), truncated };
}

function tell(listener: ((text: string) => void) | undefined, text: string): void {
  if (!listener || text === "") return;
  try {
    listener(text);
  } catch (error) {
    throw new CallerError(error);
  }
}

async function openSource(path: string): Promise<ReadStream> {
  const file = createReadStream(path, { highWaterMark: transferPacketBytes });
  return new Promise((resolve, reject) => {
    file.once("ready", () => resolve(file));
    file.on("error", (error) => reject(unreadable(path, error)));
  });
}

async function* readPieces(file: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of file) yield piece as Uint8Array;
  } catch (error) {
    throw unreadable(String(file.path), error);
  }
}

function unreadable(path: string, error: unknown): LabError {
  const reason = error instanceof Error ? error.message : String(error);
  return badRequest(`${path} cannot be read: ${reason}`, "Check the path and its permissions.");
}

function* splitBytes(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += transferPacketBytes)
    yield bytes.subarray(start, start + transferPacketBytes);
}

async function* watchPieces(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onProgress: ((bytes: number) => void) | undefined,
  fail: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const piece of pieces) {
      yield piece;
      bytes += piece.length;
      onProgress?.(bytes);
    }
  } catch (error) {
    fail(error);
    throw error;
  }
}

/** Ends a connection whose phone sends more than a file of that length can take; each packet of it has a header. */
function endBeyond(limitBytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = limitBytes + limitBytes / 8 + 2 * transferPacketBytes;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      left -= chunk.length;
      if (left < 0) throw new TooLong();
      controller.enqueue(chunk);
    },
  });
}

function checkRemotePath(path: string): void {
  const problem = path.includes("\0")
    ? "it holds a NUL character"
    : !path.startsWith("/")
      ? "it does not start at the root"
      : Buffer.byteLength(path) > longestPathBytes
        ? `it is longer than ${longestPathBytes} bytes`
        : null;
  if (problem)
    throw badRequest(
      `${JSON.stringify(shorten(path))} is no path on a phone: ${problem}`,
      "Give a shorter absolute path, e.g. below /data/local/tmp.",
    );
}

function shorten(text: string, longest = longestName): string {
  const line = text
    .slice(0, 2 * longest)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

function endWith<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
