import { type ChildProcess, spawn } from "node:child_process";
import type { AdbStream } from "./adbStream.ts";

/** Packet ids of the second shell protocol (AOSP shell_protocol.h). */
const shellPacket = { stdin: 0, stdout: 1, stderr: 2, exit: 3, closeStdin: 4, windowSize: 5 } as const;

/** How commands run on a phone. */
export interface ShellHost {
  root: string;
  environment: () => NodeJS.ProcessEnv;
  rewrite: (commandLine: string) => string;
  /** Told of every command that starts and has ended. */
  onStart: (child: ChildProcess) => void;
  onExit: (child: ChildProcess) => void;
}

/** Takes the host's folder out of what a phone says, so that its paths read as the phone's. */
export class RootEraser {
  readonly #root: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(root: string) {
    this.#root = Buffer.from(root);
  }

  /** What can be said by now; the start of what may become the folder's name is held back. */
  push(chunk: Buffer): Buffer {
    const data = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = data.indexOf(this.#root); at >= 0; at = data.indexOf(this.#root, from)) {
      parts.push(data.subarray(from, at));
      from = at + this.#root.length;
    }
    const held = this.#findHeld(data.subarray(from));
    parts.push(data.subarray(from, data.length - held));
    this.#held = Buffer.from(data.subarray(data.length - held));
    return Buffer.concat(parts);
  }

  end(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  #findHeld(data: Buffer): number {
    for (let length = Math.min(this.#root.length - 1, data.length); length > 0; length--)
      if (data.subarray(data.length - length).equals(this.#root.subarray(0, length))) return length;
    return 0;
  }
}

/** The shell's first line: `kill` is a builtin, and the phone's must not reach the host's other processes. */
const preamble = 'kill() { "$FAKE_PHONE_ROOT/system/bin/kill" "$@"; }; ';

function startShell(host: ShellHost, commandLine: string): ChildProcess {
  const script = commandLine === "" ? "" : preamble + host.rewrite(commandLine);
  const child = spawn("/bin/sh", script === "" ? [] : ["-c", script], {
    argv0: "/system/bin/sh",
    cwd: host.root,
    env: host.environment(),
    stdio: ["pipe", "pipe", "pipe"],
    // A session of its own, as adbd gives it.
    detached: true,
  });
  // A shell that cannot start is a fault of the test's host; its exit is told as 127 below.
  child.once("error", () => undefined);
  child.stdin?.on("error", () => undefined);
  host.onStart(child);
  child.once("close", () => host.onExit(child));
  return child;
}

// What real adbd does when its client goes: the leader alone is told, and nobody reads its output any more.
function hangUp(child: ChildProcess): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGHUP");
}

const signalNumbers: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

function pump(
  source: NodeJS.ReadableStream | null,
  root: string,
  write: (data: Buffer) => Promise<void>,
): void {
  if (!source) return;
  const eraser = new RootEraser(root);
  source.on("data", (chunk: Buffer) => {
    const data = eraser.push(chunk);
    if (data.length === 0) return;
    source.pause();
    void write(data).then(() => source.resume());
  });
  source.on("end", () => void write(eraser.end()));
}

/** Runs a command line, or an interactive shell for an empty one, over the second shell protocol. */
export function serveShell(stream: AdbStream, commandLine: string, host: ShellHost): void {
  const child = startShell(host, commandLine);
  let pending: Buffer = Buffer.alloc(0);
  stream.listen({
    onData: async (chunk) => {
      pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
      while (pending.length >= 5) {
        const length = pending.readUInt32LE(1);
        if (pending.length < 5 + length) return;
        const data = pending.subarray(5, 5 + length);
        if (pending[0] === shellPacket.stdin) await feed(child, data);
        else if (pending[0] === shellPacket.closeStdin) child.stdin?.end();
        pending = pending.subarray(5 + length);
      }
    },
    onClose: () => hangUp(child),
  });
  const send = (id: number, data: Buffer): Promise<void> => {
    const head = Buffer.alloc(5);
    head[0] = id;
    head.writeUInt32LE(data.length, 1);
    return stream.write(Buffer.concat([head, data]));
  };
  pump(child.stdout, host.root, (data) =>
    data.length > 0 ? send(shellPacket.stdout, data) : Promise.resolve(),
  );
  pump(child.stderr, host.root, (data) =>
    data.length > 0 ? send(shellPacket.stderr, data) : Promise.resolve(),
  );
  // "close" comes when the process has ended and both pipes are read to their end, as adbd waits for both.
  child.once("close", (code, signal) => {
    const exitCode = code ?? 0x80 + (signalNumbers[signal ?? ""] ?? 0);
    void send(shellPacket.exit, Buffer.from([exitCode < 0 ? 127 : exitCode])).then(() => stream.close());
  });
}

/** The first shell protocol and `exec:`: both outputs in one, and no exit code. */
export function servePlainShell(stream: AdbStream, commandLine: string, host: ShellHost): void {
  const child = startShell(host, commandLine);
  stream.listen({ onData: (data) => feed(child, data), onClose: () => hangUp(child) });
  const write = (data: Buffer): Promise<void> => stream.write(data);
  pump(child.stdout, host.root, write);
  pump(child.stderr, host.root, write);
  child.once("close", () => void stream.close());
}

function feed(child: ChildProcess, data: Buffer): Promise<void> | void {
  if (!child.stdin || child.stdin.destroyed || child.stdin.writableEnded) return;
  if (child.stdin.write(Buffer.from(data))) return;
  return new Promise((resolve) => {
    child.stdin?.once("drain", resolve).once("close", resolve);
  });
}
