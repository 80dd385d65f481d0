import { AdbServerClient } from "@yume-chan/adb";
import type { AdbServerState } from "../lab/contract.ts";
import { AdbConnector } from "./adbConnector.ts";
import { StartProblem, explainServer, isRefused } from "./adbServerProblem.ts";
import { type ListLine, explainState, readDeviceList } from "./deviceList.ts";
import { type Address, formatAddress } from "./serverAddress.ts";

/** An open connection to a service on a phone. */
export type PhoneStream = ReturnType<Awaited<ReturnType<AdbServerClient["createConnection"]>>["release"]>;

export interface AdbServerOptions {
  address: Address;
  /** The one of this computer: its phones' ids are their bare serials. */
  local: boolean;
  /** How the lab starts it when nothing listens; null for servers that are not the lab's to start. */
  start: (() => Promise<string | null>) | null;
  /** Why it must not be asked at all, or null. */
  problem?: string | null;
}

/** Limits of a request to a server. */
export interface RequestOptions {
  signal?: AbortSignal | undefined;
  /** Rejects after this time; 10 s when absent. */
  timeoutMs?: number | undefined;
}

const firstDelayMs = 250;
const longestDelayMs = 10_000;
const answerTimeoutMs = 10_000;
const relistMs = 2000;

/**
 * One adb server: keeps its list of phones while they come and go, starts it where it may, and comes back by itself with
 * back-off from 250 ms doubling to 10 s. Nothing happens before `start`.
 */
export class AdbServer {
  readonly address: string;
  readonly local: boolean;
  readonly #options: AdbServerOptions;
  readonly #client: AdbServerClient;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #goneListeners = new Map<string, Set<() => void>>();
  readonly #features = new Map<string, Promise<ReadonlySet<string>>>();
  #lines: readonly ListLine[] = [];
  #state: AdbServerState["state"] = "connecting";
  #problem: string | null = null;
  #answered = false;
  #loop: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #hurry = false;
  #lists = 0;

  constructor(options: AdbServerOptions) {
    this.#options = options;
    this.address = formatAddress(options.address);
    this.local = options.local;
    this.#client = new AdbServerClient(new AdbConnector(options.address));
    if (options.problem) {
      this.#state = "unreachable";
      this.#problem = options.problem;
      this.#answered = true;
    }
  }

  /** Begins to track its phones; more calls change nothing. */
  start(): void {
    if (this.#options.problem || this.#closing.signal.aborted) return;
    this.#loop ??= this.#track();
  }

  state(): AdbServerState {
    return {
      address: this.address,
      local: this.local,
      state: this.#state,
      problem: this.#problem,
      phones: this.#lines.length,
    };
  }

  /** Its phones as it last listed them; none while it is not connected. */
  lines(): readonly ListLine[] {
    return this.#lines;
  }

  /** It has told its phones, or could not be reached, at least once. */
  answered(): boolean {
    return this.#answered;
  }

  /** Calls `listener` after each change of its state or list until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` once, when the phone behind `key` is no longer listed as ready or the server is gone. */
  onGone(key: string, listener: () => void): () => void {
    if (!this.#isReady(key)) {
      queueMicrotask(listener);
      return () => undefined;
    }
    const listeners = this.#goneListeners.get(key) ?? new Set();
    this.#goneListeners.set(key, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Tries to connect at once if it is waiting to. */
  hurry(): void {
    this.#hurry = true;
    this.#wake?.();
  }

  /** Asks for the list now; never rejects, for a server that is gone ends the tracker, which says so. */
  async refresh(): Promise<void> {
    const before = this.#lists;
    try {
      const lines = readDeviceList(await this.request("host:devices-l", { signal: this.#closing.signal }));
      // What the tracker told meanwhile is newer.
      if (before !== this.#lists || this.#state !== "connected") return;
      if (JSON.stringify(lines) !== JSON.stringify(this.#lines)) this.#setConnected(lines);
    } catch {
      // The tracker tells.
    }
  }

  /** Sends a request to the server itself and gives its answer; rejects with adb's words when it refuses. */
  async request(service: string, options: RequestOptions = {}): Promise<string> {
    return this.#within(options, async (signal) => {
      const stream = await this.#client.createConnection(service, { signal });
      try {
        return await stream.readString();
      } finally {
        await stream.dispose();
      }
    });
  }

  /** Opens a service on the phone behind `key`; `signal` ends the connection for as long as it lives. */
  async open(key: string, service: string, signal: AbortSignal): Promise<PhoneStream> {
    const stream = await this.#client.createConnection(selectPhone(key), { signal });
    try {
      await stream.writeString(service);
      await stream.readOkay();
      return stream.release();
    } catch (error) {
      await stream.dispose();
      throw error;
    }
  }

  /** What the phone's adb daemon can do, asked once for each connection of the phone. */
  features(key: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const known = this.#features.get(key);
    if (known) return known;
    const asked = this.#askFeatures(key, signal);
    this.#features.set(key, asked);
    asked.catch(() => {
      if (this.#features.get(key) === asked) this.#features.delete(key);
    });
    return asked;
  }

  async #askFeatures(key: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    return this.#within({ signal }, async (limited) => {
      const stream = await this.#client.createConnection(selectPhone(key), { signal: limited });
      try {
        await stream.writeString("host:features");
        await stream.readOkay();
        return new Set((await stream.readString()).split(","));
      } finally {
        await stream.dispose();
      }
    });
  }

  /** Stops tracking; connections to its phones end as lost. The server itself goes on running, other programs may use it. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the lab is closing"));
    this.#wake?.();
    await this.#loop;
    this.#setLines([]);
    this.#listeners.clear();
  }

  async #within<T>(options: RequestOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? answerTimeoutMs;
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error(`no answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const signals = options.signal ? [options.signal, timeout.signal] : [timeout.signal];
    try {
      return await work(AbortSignal.any(signals));
    } finally {
      clearTimeout(timer);
    }
  }

  async #track(): Promise<void> {
    let delayMs = firstDelayMs;
    while (!this.#closing.signal.aborted) {
      this.#hurry = false;
      const started = await this.#trackOnce();
      if (this.#closing.signal.aborted) return;
      if (started) delayMs = firstDelayMs;
      if (!this.#hurry) await this.#pause(delayMs);
      delayMs = this.#hurry ? firstDelayMs : Math.min(delayMs * 2, longestDelayMs);
    }
  }

  /** Follows one connection to its end and tells whether there was one. */
  async #trackOnce(): Promise<boolean> {
    let connected = false;
    try {
      const stream = await this.#connectTracker();
      const stopRelisting = this.#relist();
      try {
        for (;;) {
          const text = connected
            ? await stream.readString()
            : await this.#within({ signal: this.#closing.signal }, (signal) =>
                untilAborted(stream.readString(), signal),
              );
          connected = true;
          this.#setConnected(readDeviceList(text));
        }
      } finally {
        stopRelisting();
        await stream.dispose();
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#setUnreachable(error, connected);
    }
    return connected;
  }

  /**
   * Asks for the list every two seconds until the returned function is called: adb servers (seen: 29.0.6) track no change
   * between offline, unauthorized and ready of a phone that stays listed.
   */
  #relist(): () => void {
    let asking = false;
    const timer = setInterval(() => {
      if (asking) return;
      asking = true;
      void this.refresh().finally(() => (asking = false));
    }, relistMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  async #connectTracker() {
    const service = "host:track-devices-l";
    const connect = () =>
      this.#within({ signal: this.#closing.signal }, (signal) =>
        this.#client.createConnection(service, { signal, unref: true }),
      );
    try {
      return await connect();
    } catch (error) {
      if (!isRefused(error) || !this.#options.start || this.#closing.signal.aborted) throw error;
      const problem = await this.#options.start();
      if (problem) throw new StartProblem(problem);
      return await connect();
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      // Waiting for a server is no reason to keep a command line alive.
      timer.unref();
      this.#wake = end;
    });
  }

  #setConnected(lines: readonly ListLine[]): void {
    this.#lists++;
    this.#state = "connected";
    this.#problem = null;
    this.#answered = true;
    this.#setLines(lines);
    this.#tell();
  }

  #setUnreachable(error: unknown, wasConnected: boolean): void {
    // A server that just went away is being replaced more often than not; the next try tells.
    this.#state = wasConnected ? "connecting" : "unreachable";
    this.#problem = wasConnected
      ? null
      : explainServer(error, this.#options.address, this.#options.start !== null);
    this.#answered ||= !wasConnected;
    this.#setLines([]);
    this.#tell();
  }

  #setLines(lines: readonly ListLine[]): void {
    this.#lines = lines;
    for (const key of this.#features.keys()) if (!this.#isReady(key)) this.#features.delete(key);
    for (const [key, listeners] of this.#goneListeners) {
      if (this.#isReady(key)) continue;
      this.#goneListeners.delete(key);
      for (const listener of listeners) listener();
    }
  }

  #isReady(key: string): boolean {
    return this.#lines.some((line) => phoneKey(line) === key && explainState(line.word).state === "ready");
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What tells a phone's connection from every other of its server: the transport, or the serial where adb tells none. */
export function phoneKey(line: ListLine): string {
  return line.transportId ?? `serial ${line.serial}`;
}

function selectPhone(key: string): string {
  return key.startsWith("serial ")
    ? `host:transport:${key.slice("serial ".length)}`
    : `host:transport-id:${key}`;
}

function untilAborted<T>(work: PromiseLike<T> | T, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
