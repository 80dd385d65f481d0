import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { PhoneConnection, ShellOptions, ShellResult } from "../../src-main/device/phoneConnection.ts";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import { cancelled } from "../../src-main/lab/errors.ts";
import { phoneLost, phoneRefused } from "../../src-main/lab/phoneErrors.ts";

// What a phone's programs say here; a phone that tells next to nothing is a phone too.
const programs: Record<string, string> = {
  taskset: 'shift; exec "$@"',
  dumpsys: "cat ROOT/dumpsys-$1",
  settings: "case $1 in get) echo 3;; esac",
  cmd: "echo",
  svc: "exit 0",
  input: "exit 0",
  wm: "exit 0",
  getprop: "echo",
};

/**
 * A phone whose shell is this computer's: command lines run as they are, with the lab's folder led into a temporary one. Only what
 * is asked of the kernel about a process's cores is a file, because a test's own cores are not its to choose.
 */
export class LocalPhone implements PhoneConnection {
  readonly id = "local";
  readonly serial = "local";
  readonly root = mkdtempSync(join(tmpdir(), "latlab-local-"));
  /** Command lines run so far. */
  readonly commands: string[] = [];
  /** Remote paths pushed so far. */
  readonly pushed: string[] = [];
  /** Room for the lab's files; a push beyond it is torn off. */
  capacityBytes = Infinity;
  private readonly ending = new AbortController();
  private readonly children = new Set<ChildProcess>();

  constructor() {
    mkdirSync(join(this.root, "programs"));
    for (const [name, body] of Object.entries(programs)) this.writeProgram(name, body);
    this.setMask("ff");
  }

  get lost(): AbortSignal {
    return this.ending.signal;
  }

  /** A program of the phone's own. */
  writeProgram(name: string, body: string): void {
    const path = join(this.root, "programs", name);
    writeFileSync(path, `#!/bin/sh\n${body.replaceAll("ROOT", this.root)}\n`);
    chmodSync(path, 0o755);
  }

  /** What the kernel says of the cores of every process. */
  setMask(mask: string): void {
    writeFileSync(join(this.root, "status"), `Name:\tsh\nCpus_allowed:\t${mask.padStart(8, "0")}\n`);
  }

  /** Where a path of the phone is here. */
  locate(path: string): string {
    return this.lead(path);
  }

  /** Ends the connection as a pulled cable does. */
  lose(): void {
    this.ending.abort(phoneLost(this.id, "the cable was pulled"));
    for (const child of this.children) child.kill("SIGHUP");
  }

  run(command: string, options: ShellOptions = {}): Promise<ShellResult> {
    this.commands.push(command);
    const what = `running ${command.slice(0, 20)}`;
    if (this.lost.aborted) return Promise.reject(phoneLost(this.id, what));
    if (options.signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", this.lead(command)], {
        cwd: this.root,
        env: { PATH: `${join(this.root, "programs")}:/usr/bin:/bin` },
        stdio: ["ignore", "pipe", "pipe"],
      });
      this.children.add(child);
      const said = { stdout: "", stderr: "" };
      const listen = (name: "stdout" | "stderr", tell?: (text: string) => void): void => {
        child[name].setEncoding("utf8").on("data", (text: string) => {
          const phones = text.replaceAll(this.root, phoneFolder);
          said[name] += phones;
          if (!this.lost.aborted) tell?.(phones);
        });
      };
      listen("stdout", options.onStdout);
      listen("stderr", options.onStderr);
      const end = (error: Error): void => {
        child.kill("SIGHUP");
        reject(error);
      };
      options.signal?.addEventListener("abort", () => end(cancelled()), { once: true });
      this.lost.addEventListener("abort", () => end(phoneLost(this.id, what)), { once: true });
      child.once("close", (code, signal) => {
        this.children.delete(child);
        resolve({ exitCode: code ?? 128 + constants.signals[signal!], ...said, truncated: false });
      });
    });
  }

  push(source: { path: string } | Uint8Array, remotePath: string, mode: number): Promise<void> {
    if (this.lost.aborted) return Promise.reject(phoneLost(this.id, "putting a file"));
    const path = this.lead(remotePath);
    mkdirSync(dirname(path), { recursive: true });
    if (source instanceof Uint8Array) writeFileSync(path, source);
    else copyFileSync(source.path, path);
    chmodSync(path, mode);
    const excess = this.measureUsed() - this.capacityBytes;
    if (excess > 0) {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, Math.max(0, bytes.length - excess)));
      return Promise.reject(
        phoneRefused(this.id, "put a file on the phone", "write failed: No space left on device"),
      );
    }
    this.pushed.push(remotePath);
    return Promise.resolve();
  }

  pull(remotePath: string): Promise<Uint8Array | null> {
    const path = this.lead(remotePath);
    return Promise.resolve(existsSync(path) ? readFileSync(path) : null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Removes everything. */
  stop(): void {
    this.lose();
    // What a failing test left running.
    for (const child of this.children) child.kill("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }

  private measureUsed(): number {
    const place = this.lead(phoneFolder);
    return readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  }

  private lead(text: string): string {
    return text
      .replaceAll(phoneFolder, join(this.root, "lab"))
      .replaceAll("/proc/$$/status", join(this.root, "status"));
  }
}
