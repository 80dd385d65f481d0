/**
 * A real adb server as our own child on a port of its own, with its own keys; the user's on 5037 is never touched.
 *
 * How the real server (29.0.6, measured) treats a phone on TCP whose connection ends: it lists it as `offline` at once and
 * tries again every 10 s; while it is listed, `adb connect` says "already connected" and changes nothing. `disconnect` takes it
 * off the list at once and `connect` then works at once, which is what `reconnect()` does. A phone on USB leaves the list at
 * once and comes back at once: `unplug()` with `disconnect()`, then `plug()` with `connect()` looks like that to a lab. A server
 * that was killed forgets its TCP phones.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../../src-main/profile/pinning.ts";

export interface AdbOutput {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
}

const servers = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of servers) child.kill("SIGKILL");
});

/** The adb program that tests use: $ADB (test/setup.ts finds or installs it), else the one on PATH. */
export function locateAdb(): string {
  const path = process.env["ADB"] || findProgram("adb");
  if (!path) throw new Error("The tests with fake phones need the package adb, or its program in $ADB");
  return path;
}

async function findFreePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    if (port > 5585 || port < 5037) return port;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export class AdbServer {
  readonly program: string;
  readonly port: number;
  readonly home: string;
  #child: ChildProcess | null = null;
  #log = "";

  constructor(program: string, port: number) {
    this.program = program;
    this.port = port;
    this.home = mkdtempSync(join(tmpdir(), "adb-home-"));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What the server has logged, for messages of failing tests. */
  get log(): string {
    return this.#log;
  }

  /** The environment of adb commands of this server; nothing in it leads to the user's. */
  environment(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) =>
        !["ANDROID_SERIAL", "ADB_SERVER_SOCKET", "ADB_VENDOR_KEYS", "ANDROID_USER_HOME"].includes(name),
    );
    return {
      ...Object.fromEntries(inherited),
      HOME: this.home,
      ANDROID_SDK_HOME: this.home,
      ANDROID_ADB_SERVER_PORT: String(this.port),
      // Over the `none` that all other tests run with.
      LATENCY_LAB_ADB: this.program,
      // No looking for emulators, nor for phones on the network.
      ADB_LOCAL_TRANSPORT_MAX_PORT: "5553",
      ADB_MDNS: "0",
      ADB_MDNS_AUTO_CONNECT: "0",
    };
  }

  async start(): Promise<void> {
    // Without -a it listens on the loopback interface only; naming that in -L is refused by older ones.
    const child = spawn(this.program, ["-P", String(this.port), "server", "nodaemon"], {
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    servers.add(child);
    let ended: string | null = null;
    child.once("error", (error) => (ended = error.message));
    child.once("exit", (code, signal) => {
      servers.delete(child);
      ended = `it ended (${signal ?? code}): ${this.#log.trim()}`;
    });
    for (const stream of [child.stdout, child.stderr])
      stream
        .setEncoding("utf8")
        .on("data", (text: string) => (this.#log = (this.#log + text).slice(-20_000)));
    for (let tries = 0; tries < 600; tries++) {
      if (ended !== null) throw new Error(`The adb server did not start: ${ended}`);
      if (await accepts(this.port)) return;
      await sleep(25);
    }
    throw new Error(`The adb server does not answer on ${this.address}`);
  }

  /** Runs `adb ARGS…` against this server. */
  run(args: readonly string[], options: { input?: Buffer; signal?: AbortSignal } = {}): Promise<AdbOutput> {
    return new Promise((resolve, reject) => {
      const child = execFile(
        this.program,
        ["-H", "127.0.0.1", "-P", String(this.port), ...args],
        { env: this.environment(), encoding: "buffer", maxBuffer: 2 ** 28, signal: options.signal },
        (error, stdout, stderr) => {
          const code = error?.code;
          if (error && typeof code !== "number") reject(error);
          else resolve({ exitCode: Number(code ?? 0), stdout, stderr: stderr.toString("utf8") });
        },
      );
      // A command that ends early does not read its input to the end.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.input);
    });
  }

  /** `adb connect`; rejects unless the phone is connected afterwards. */
  async connect(address: string): Promise<void> {
    const { stdout } = await this.run(["connect", address]);
    const text = stdout.toString("utf8");
    // adb exits with 0 either way; an unauthorized phone is connected too, "failed to authenticate" it says.
    if (!/^(already )?connected to|failed to authenticate/m.test(text))
      throw new Error(`adb connect ${address}: ${text.trim()}`);
  }

  async disconnect(address: string): Promise<void> {
    await this.run(["disconnect", address]);
  }

  /** Without the 10 s that the server takes by itself after a TCP phone was away. */
  async reconnect(address: string): Promise<void> {
    await this.disconnect(address);
    await this.connect(address);
  }

  /** What `adb devices` says: the state by serial. */
  async listStates(): Promise<Map<string, string>> {
    const { stdout } = await this.run(["devices"]);
    const rows = stdout.toString("utf8").matchAll(/^(\S+)\t(.+)$/gm);
    return new Map([...rows].map((row) => [row[1]!, row[2]!.trim()]));
  }

  /** Waits until `adb devices` gives the phone this state, or until it is not listed for null. */
  async waitForState(serial: string, state: string | null, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const now = (await this.listStates()).get(serial) ?? null;
      if (now === state) return;
      if (Date.now() > deadline)
        throw new Error(`${serial} is ${now ?? "not listed"} instead of ${state ?? "not listed"}`);
      await sleep(50);
    }
  }

  /** SIGKILL, as when something kills the server. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Starts again on the same port; phones connected before are forgotten, as the real server forgets them. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Starts an adb server in the foreground on a private free port. */
export async function startAdbServer(): Promise<AdbServer> {
  const server = new AdbServer(locateAdb(), await findFreePort());
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
