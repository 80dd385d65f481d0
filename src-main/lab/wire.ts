/**
 * Carries the Lab contract over any port that sends and receives strings: Electron IPC, WebSocket, message ports, in-process.
 * Runs in a browser as well as in Node. One message is one JSON object; the lab itself checks the requests, the wire only
 * their envelope.
 */
import type { Lab, LabEvent } from "./contract.ts";
import { LabError, badRequest, describeError, disconnected } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";

/** A two-way channel of strings. Listeners stay until the function they return is called. */
export interface MessagePortLike {
  /** Throws or drops the message when the port is closed. */
  send(message: string): void;
  onMessage(listener: (message: string) => void): () => void;
  onClose(listener: () => void): () => void;
}

export type LabCall = Exclude<keyof Lab, "subscribe">;

const callTable = {
  info: true,
  devices: true,
  checkSpeed: true,
  adb: true,
  settings: true,
  changeSettings: true,
  pairPhone: true,
  connectPhone: true,
  disconnectPhone: true,
  startPreflight: true,
  applyRemedy: true,
  cleanPhone: true,
  binaries: true,
  publishedBinaries: true,
  addBinary: true,
  startDownload: true,
  useBinary: true,
  removeBinary: true,
  models: true,
  inspect: true,
  kernels: true,
  addModels: true,
  addModelFile: true,
  removeModels: true,
  startSample: true,
  startBuild: true,
  runs: true,
  run: true,
  startRun: true,
  resumeRun: true,
  removeRun: true,
  measurement: true,
  runTelemetry: true,
  scenarios: true,
  exportMeasurements: true,
  startImportPublished: true,
  predictors: true,
  predictor: true,
  removePredictor: true,
  startFit: true,
  predict: true,
  startEvaluate: true,
  startValidate: true,
  startDemo: true,
  jobs: true,
  cancelJob: true,
  jobResult: true,
} as const satisfies Record<LabCall, true>;

/** Every call of the contract but `subscribe`, which is the wire's own. */
export const labCalls = Object.keys(callTable) as LabCall[];

/** Longest message in UTF-16 units either side accepts; holds the largest .tflite files in base64 that browsers can send. */
export const maxMessageLength = 256 * 1024 * 1024;

const subscribeCall = "subscribe";
const unsubscribeCall = "unsubscribe";

interface WireError {
  code: ErrorCode;
  message: string;
  hint: string;
}

/** Client to server. */
interface WireRequest {
  id: number;
  call: string;
  request?: unknown;
}

/** Server to client; `id` is null in the answer to a message whose id could not be read. */
type WireAnswer =
  { id: number; result: unknown } | { id: number | null; error: WireError } | { event: LabEvent };

/** Answers the calls that arrive on the port and forwards events once asked to; the returned function stops it. */
export function serveLab(lab: Lab, port: MessagePortLike): () => void {
  let stopped = false;
  let stopEvents: (() => void) | null = null;

  function answer(message: WireAnswer): void {
    if (stopped) return;
    let text: string;
    try {
      text = JSON.stringify(message);
      if (text.length > maxMessageLength)
        throw badRequest("The answer is too large to send", "Ask for fewer models at a time.");
    } catch (error) {
      text = JSON.stringify({ id: "id" in message ? message.id : null, error: describeError(error) });
    }
    try {
      port.send(text);
    } catch {
      // The port closed meanwhile; its close listener tidies up.
    }
  }

  async function handle(text: string): Promise<void> {
    let id: number | null = null;
    try {
      const message = readRequest(text);
      if ("problem" in message) {
        id = message.id;
        throw badRequest(message.problem, "Update the program that sent it.");
      }
      id = message.id;
      answer({ id, result: (await callLab(message)) ?? null });
    } catch (error) {
      answer({ id, error: describeError(error) });
    }
  }

  async function callLab(message: WireRequest): Promise<unknown> {
    if (message.call === subscribeCall) {
      stopEvents ??= lab.subscribe((event) => answer({ event }));
      return null;
    }
    if (message.call === unsubscribeCall) {
      stopEvents?.();
      stopEvents = null;
      return null;
    }
    if (!Object.hasOwn(callTable, message.call))
      throw badRequest(`There is no call ${message.call}`, "Update the program that sent it.");
    const call = lab[message.call as LabCall] as (request?: unknown) => Promise<unknown>;
    return call.call(lab, message.request);
  }

  const stopMessages = port.onMessage((text) => void handle(text));
  const stopClose = port.onClose(stop);
  function stop(): void {
    if (stopped) return;
    stopped = true;
    stopEvents?.();
    stopMessages();
    stopClose();
  }
  return stop;
}

function readRequest(text: string): WireRequest | { id: number | null; problem: string } {
  if (typeof text !== "string") return { id: null, problem: "The message is not text" };
  if (text.length > maxMessageLength) return { id: null, problem: "The message is too large" };
  const message = parseObject(text);
  if (!message) return { id: null, problem: "The message is not a JSON object" };
  const { id, call, request } = message;
  if (typeof id !== "number" || !Number.isSafeInteger(id))
    return { id: null, problem: "The message has no whole number as id" };
  if (typeof call !== "string") return { id, problem: "The message names no call" };
  return { id, call: call.slice(0, 100), request };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** What `connectLab` gives: the lab at the other end, and a way to let go of it. */
export type ConnectedLab = Lab & { close(): void };

/**
 * The lab served at the other end of the port. Calls reject with the LabError of the other side, and with `disconnected`
 * once the port is closed, whether they were under way or come later.
 */
export function connectLab(port: MessagePortLike): ConnectedLab {
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners = new Set<(event: LabEvent) => void>();
  let nextId = 1;
  let closed = false;

  function call(name: string, request?: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (closed) throw disconnected();
      const id = nextId++;
      const text = JSON.stringify({ id, call: name, request });
      if (text.length > maxMessageLength)
        throw badRequest(
          `The request ${name} is too large to send`,
          "Give fewer models at a time, or a smaller file.",
        );
      pending.set(id, { resolve, reject });
      try {
        port.send(text);
      } catch {
        pending.delete(id);
        throw disconnected();
      }
    });
  }

  function receive(text: string): void {
    const message = parseObject(text);
    if (!message) return;
    if ("event" in message) {
      for (const listener of [...listeners]) listener(message["event"] as LabEvent);
      return;
    }
    const id = message["id"];
    const waiting = typeof id === "number" ? pending.get(id) : undefined;
    if (!waiting) return;
    pending.delete(id as number);
    if ("error" in message) waiting.reject(readError(message["error"]));
    else waiting.resolve(message["result"]);
  }

  function close(): void {
    if (closed) return;
    closed = true;
    stopMessages();
    stopClose();
    for (const waiting of pending.values()) waiting.reject(disconnected());
    pending.clear();
    listeners.clear();
  }

  function subscribe(listener: (event: LabEvent) => void): () => void {
    // A function of its own, so that the same listener given twice is called twice and removed once.
    const entry = (event: LabEvent) => listener(event);
    listeners.add(entry);
    // A connection lost shows in every call; a subscription has nobody to tell.
    if (listeners.size === 1) call(subscribeCall).catch(() => {});
    return () => {
      if (listeners.delete(entry) && listeners.size === 0 && !closed) call(unsubscribeCall).catch(() => {});
    };
  }

  const stopMessages = port.onMessage(receive);
  const stopClose = port.onClose(close);
  const own = { close, subscribe };
  return new Proxy(own as ConnectedLab, {
    get(target, name) {
      if (name === "close" || name === "subscribe") return target[name];
      if (typeof name === "string" && Object.hasOwn(callTable, name))
        return (request?: unknown) => call(name, request);
      return undefined;
    },
  });
}

function readError(error: unknown): LabError {
  const { code, message, hint } = (error ?? {}) as Partial<WireError>;
  return new LabError(code ?? "internal", message ?? "unknown error", hint ?? "");
}

/** Two connected ports in one process; messages arrive asynchronously and in order, closing one closes both. */
export function createPortPair(): [ClosablePort, ClosablePort] {
  const messages = [new Set<(message: string) => void>(), new Set<(message: string) => void>()] as const;
  const closes = new Set<() => void>();
  let closed = false;
  function close(): void {
    if (closed) return;
    closed = true;
    for (const listener of [...closes]) listener();
  }
  function createPort(own: 0 | 1, other: 0 | 1): ClosablePort {
    return {
      send(message) {
        queueMicrotask(() => {
          if (!closed) for (const listener of [...messages[other]]) listener(message);
        });
      },
      onMessage: (listener) => listen(messages[own], listener),
      onClose: (listener) => listen(closes, listener),
      close,
    };
  }
  return [createPort(0, 1), createPort(1, 0)];
}

/** A port that its holder can also close. */
export type ClosablePort = MessagePortLike & { close(): void };

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The part of a WebSocket that a port needs; the browser's and that of the package `ws` both have it. */
export interface SocketLike {
  readonly readyState: number;
  send(message: string): void;
  close(): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: () => void): void;
  removeEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  removeEventListener(type: "close", listener: () => void): void;
}

const socketOpen = 1;

/** A port over an open WebSocket. Binary messages arrive as empty text, which the wire answers as malformed. */
export function portOfSocket(socket: SocketLike): ClosablePort {
  return {
    send(message) {
      if (socket.readyState !== socketOpen) throw disconnected();
      socket.send(message);
    },
    onMessage(listener) {
      const receive = (event: { data: unknown }) =>
        listener(typeof event.data === "string" ? event.data : "");
      socket.addEventListener("message", receive);
      return () => socket.removeEventListener("message", receive);
    },
    onClose(listener) {
      socket.addEventListener("close", listener);
      return () => socket.removeEventListener("close", listener);
    },
    close: () => socket.close(),
  };
}

/** The part of a MessagePort that a port needs; Node's, the browser's and a worker's both have it. */
export interface ChannelPortLike {
  postMessage(message: string): void;
  close(): void;
  start?(): void;
  addEventListener(type: "message" | "close", listener: (event: { data?: unknown }) => void): void;
  removeEventListener(type: "message" | "close", listener: (event: { data?: unknown }) => void): void;
}

/** A port over one end of a MessageChannel. */
export function portOfChannel(channel: ChannelPortLike): ClosablePort {
  return {
    send: (message) => channel.postMessage(message),
    onMessage(listener) {
      const receive = (event: { data?: unknown }) =>
        listener(typeof event.data === "string" ? event.data : "");
      channel.addEventListener("message", receive);
      channel.start?.();
      return () => channel.removeEventListener("message", receive);
    },
    onClose(listener) {
      const close = () => listener();
      channel.addEventListener("close", close);
      return () => channel.removeEventListener("close", close);
    },
    close: () => channel.close(),
  };
}
