import type { Lab, LabEvent } from "../src-main/lab/contract.ts";
import { disconnected } from "../src-main/lab/errors.ts";
import { connectLab, labCalls, portOfSocket } from "../src-main/lab/wire.ts";
import type { ConnectedLab, LabCall } from "../src-main/lab/wire.ts";

/** What the preload exposes in the desktop window. */
export interface Bridge {
  send(message: string): void;
  onMessage(listener: (message: string) => void): () => void;
  pathOf(file: File): string;
}

declare global {
  interface Window {
    latencyLab?: Bridge;
  }
}

const firstRetryMs = 250;
const longestRetryMs = 10_000;

/** The way to the lab: over the preload in the desktop window, else over a WebSocket that is opened again when it breaks. */
class Connection {
  state: "connecting" | "open" | "lost" = $state("connecting");
  /** Counts connections made; what was loaded over an earlier one may be out of date. */
  epoch = $state(0);
  /** When the next attempt is made, in epoch milliseconds; null while one is under way. */
  retryAt: number | null = $state(null);

  #current: ConnectedLab | null = null;
  #waiting: (() => void)[] = [];
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listeners = new Set<(event: LabEvent) => void>();

  open(): void {
    const bridge = window.latencyLab;
    if (bridge) {
      this.#enter(
        connectLab({
          send: (message) => bridge.send(message),
          onMessage: (listener) => bridge.onMessage(listener),
          // The preload lives as long as the page: there is no closing to hear of.
          onClose: () => () => {},
        }),
      );
    } else this.#openSocket();
  }

  /** Tries again at once. */
  retry(): void {
    if (this.state !== "lost" || this.retryAt === null) return;
    clearTimeout(this.#timer);
    this.#openSocket();
  }

  /** Hears every event of every connection. */
  listen(listener: (event: LabEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls the lab; waits for the first connection, fails with `disconnected` while it is lost. */
  async call(name: LabCall, request: unknown): Promise<unknown> {
    if (this.state === "connecting") await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const current = this.#current;
    if (!current) throw disconnected();
    const act = current[name] as (request: unknown) => Promise<unknown>;
    return act(request);
  }

  #openSocket(): void {
    this.retryAt = null;
    const address = new URL("/wire", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.addEventListener("open", () => this.#enter(connectLab(portOfSocket(socket))));
    socket.addEventListener("close", () => this.#lose());
  }

  #enter(lab: ConnectedLab): void {
    this.#current = lab;
    this.#failures = 0;
    lab.subscribe((event) => {
      for (const listener of this.#listeners) listener(event);
    });
    this.state = "open";
    this.epoch++;
    this.#release();
  }

  #lose(): void {
    this.#current?.close();
    this.#current = null;
    this.state = "lost";
    this.#release();
    const delay = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++);
    // Spread, so that many windows do not come back to a lab that restarts in the same instant.
    const spread = delay * (0.75 + Math.random() / 2);
    this.retryAt = Date.now() + spread;
    this.#timer = setTimeout(() => this.#openSocket(), spread);
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export const connection = new Connection();

/** The lab behind whatever connection there is at the time of each call. */
export const lab: Omit<Lab, "subscribe"> = Object.fromEntries(
  labCalls.map((name) => [name, (request?: unknown) => connection.call(name, request)]),
) as unknown as Omit<Lab, "subscribe">;
