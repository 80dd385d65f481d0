/** The built desktop bundles against a fake Electron; and, where there is a binary and a screen, the real window. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { _electron } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasScreen } from "../../src-main/cli/browser.ts";
import { findElectronBinary } from "../../src-main/electronBinary.ts";
import { connectLab, type ConnectedLab } from "../../src-main/lab/wire.ts";
import type { BoostingResult } from "../../src-main/predict/boosting.ts";
import { runFitJob, type FitJob } from "../../src-main/predict/fitJob.ts";
import { findHostLibrary } from "../../src-main/profile/hostProcess.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import type { Command, Report } from "../fake/electron.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
// Inside the project, so that the bundles find its packages; not in out/main, which belongs to `npm start`.
const out = join(root, "out", `desktop-test-${process.pid}`);
const main = join(out, "main", "main.js");
const pageUrl = "latency-lab://window/";

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-desktop-"));
  const manifest = createRequire(import.meta.url).resolve("electron-vite/package.json");
  const builder = join(dirname(manifest), "bin", "electron-vite.js");
  const child = spawn(process.execPath, [builder, "build", "--outDir", out, "--logLevel", "warn"], {
    cwd: root,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`electron-vite build failed: ${output}`);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(out, { recursive: true, force: true });
});

/** The built main process under the fake. */
class Desktop {
  readonly child: ChildProcess;
  readonly calls: { name: string; details: unknown }[] = [];
  readonly ended: Promise<number | null>;
  stderr = "";
  private readonly answers: ((value: unknown) => void)[] = [];
  private readonly pageListeners = new Set<(message: string) => void>();
  private readonly callListeners = new Set<() => void>();

  constructor(lab: string, environment: Record<string, string> = {}) {
    const hooks = new URL("../fake/registerElectron.ts", import.meta.url).href;
    this.child = fork(main, ["--lab", lab], {
      execPath: process.execPath,
      execArgv: ["--import", hooks],
      silent: true,
      env: { ...process.env, ...environment },
    });
    this.child.stderr!.on("data", (data) => (this.stderr += String(data)));
    this.ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.on("message", (message: Report) => {
      if (message.kind === "answer") this.answers.shift()?.(message.value);
      else if (message.kind === "sent") for (const listener of this.pageListeners) listener(message.message);
      else {
        this.calls.push(message);
        for (const listener of [...this.callListeners]) listener();
      }
    });
  }

  tell(command: Command): Promise<unknown> {
    return new Promise((resolve) => {
      this.answers.push(resolve);
      this.child.send(command);
    });
  }

  async waitFor(name: string): Promise<unknown> {
    for (;;) {
      const call = this.calls.find((candidate) => candidate.name === name);
      if (call) return call.details;
      await Promise.race([
        new Promise<unknown>((resolve) => {
          const listener = () => {
            this.callListeners.delete(listener);
            resolve(null);
          };
          this.callListeners.add(listener);
        }),
        this.ended.then((code) => {
          throw new Error(`the program ended with ${code} before ${name}: ${this.stderr}`);
        }),
      ]);
    }
  }

  /** The lab as the page sees it. */
  connect(url = pageUrl, frame: "main" | "child" = "main", foreign = false): ConnectedLab {
    return connectLab({
      send: (message) => void this.tell({ kind: "page", frame, url, message, foreign }),
      onMessage: (listener) => {
        this.pageListeners.add(listener);
        return () => void this.pageListeners.delete(listener);
      },
      onClose: () => () => {},
    });
  }
}

const { problem } = findHostLibrary();
if (problem) console.log(`skipped: measuring from the desktop bundles, because ${problem}`);

describe("the desktop program under a fake Electron", () => {
  const started: Desktop[] = [];
  afterEach(async () => {
    for (const desktop of started.splice(0)) {
      desktop.child.kill("SIGKILL");
      await desktop.ended;
    }
  });
  async function start(name: string, environment: Record<string, string> = {}): Promise<Desktop> {
    const desktop = new Desktop(join(folder, name), environment);
    started.push(desktop);
    return desktop;
  }

  it("opens one confined window on its own scheme, and serves it the lab", async () => {
    const desktop = await start("main");
    expect(await desktop.waitFor("loadURL")).toBe(pageUrl);
    await desktop.waitFor("show");
    expect(desktop.stderr).toContain("This is a fake Electron");
    expect(desktop.calls.map((call) => call.name)).toContain("enableSandbox");
    expect(desktop.calls.find((call) => call.name === "registerSchemesAsPrivileged")!.details).toEqual([
      { scheme: "latency-lab", privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ]);
    expect(await desktop.waitFor("BrowserWindow")).toMatchObject({
      show: false,
      webPreferences: {
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        preload: join(out, "preload", "preload.cjs"),
      },
    });

    const lab = desktop.connect();
    expect((await lab.info()).folder).toBe(join(folder, "main"));
    const { job, kind } = await lab.startSample({ count: 2, seed: 1 });
    expect((await lab.jobResult({ job, kind })).length).toBe(2);
    await expect(lab.inspect({ models: ["nobody"] })).rejects.toMatchObject({ code: "model-unknown" });
  });

  it("hears nobody but its own page in the main frame", async () => {
    const desktop = await start("senders");
    await desktop.waitFor("loadURL");
    const heard: string[] = [];
    const message = JSON.stringify({ id: 1, call: "info" });
    desktop.child.on("message", (report: Report) => {
      if (report.kind === "sent") heard.push(report.message);
    });
    for (const url of ["https://evil.example/", "latency-lab://window.evil/", "file:///etc/passwd", ""])
      await desktop.tell({ kind: "page", frame: "main", url, message });
    await desktop.tell({ kind: "page", frame: "child", url: pageUrl, message });
    await desktop.tell({ kind: "page", frame: "main", url: pageUrl, message, foreign: true });
    await desktop.tell({ kind: "page", frame: "main", url: pageUrl, message: { id: 1, call: "info" } });
    expect(await desktop.connect(`${pageUrl}#/models`).jobs()).toEqual([]);
    expect(heard.length).toBe(1);
  });

  it("refuses to leave, to open windows and to grant anything", async () => {
    const desktop = await start("confined");
    await desktop.waitFor("loadURL");
    for (const event of ["will-navigate", "will-redirect", "will-attach-webview"])
      expect(await desktop.tell({ kind: "contents", event }), event).toBe(true);
    expect(await desktop.tell({ kind: "open" })).toEqual({ action: "deny" });
    expect(await desktop.tell({ kind: "permissions" })).toEqual([false, false, false]);
  });

  it("serves the built page with its policy and nothing beside it", async () => {
    const desktop = await start("files");
    await desktop.waitFor("loadURL");
    const ask = (url: string) => desktop.tell({ kind: "request", url, method: "GET" });
    const page = (await ask(pageUrl)) as { status: number; policy: string; text: string };
    expect(page.status).toBe(200);
    expect(page.text).toContain("<title>Latency Lab</title>");
    expect(page.policy).toContain("default-src 'none'");
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(page.text)![1]!;
    expect(await ask(`${pageUrl}${script}`)).toMatchObject({ status: 200 });
    expect(await ask(`${pageUrl}..%2fmain%2fmain.js`)).toMatchObject({ status: 404 });
  });

  it("starts each page afresh: what the old one asked for is not told to the new one", async () => {
    const desktop = await start("reload");
    await desktop.waitFor("loadURL");
    const old = desktop.connect();
    let events = 0;
    old.subscribe(() => events++);
    await old.info();
    await desktop.tell({
      kind: "contents",
      event: "did-start-navigation",
      details: { isMainFrame: true, isSameDocument: false },
    });
    const fresh = desktop.connect();
    const { job, kind } = await fresh.startSample({ count: 1, seed: 1 });
    await fresh.jobResult({ job, kind });
    expect(events).toBe(0);
  });

  it("cancels and closes before it quits", async () => {
    const desktop = await start("quit");
    await desktop.waitFor("loadURL");
    const lab = desktop.connect();
    await lab.startSample({ count: 100_000, seed: 1 });
    void desktop.tell({ kind: "app", event: "window-all-closed" });
    expect(await desktop.ended).toBe(0);
    const quits = desktop.calls.filter((call) => call.name === "quit").map((call) => call.details);
    expect(quits).toEqual([{ prevented: true }, { prevented: false }]);
  });

  it.skipIf(problem !== null)("measures with its own benchmark program", async () => {
    const desktop = await start("measures");
    await desktop.waitFor("loadURL");
    const lab = desktop.connect();
    const models = await addTinyNetworks(lab, folder, 1);
    const [host] = await lab.devices();
    const { job, kind } = await lab.startRun({
      device: host!.id,
      coreSets: [host!.coreSets[0]!.name],
      precision: "float32",
      runtime: "tflite",
      models,
      thoroughness: "quick",
    });
    expect(await lab.jobResult({ job, kind })).toMatchObject({ cells: 1, failed: 0, state: "done" });
  });

  it("has its fit worker beside it, which fits", async () => {
    const worker = new Worker(join(out, "main", "fitWorker.js"));
    const answered = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    const x = Float64Array.from({ length: 60 }, (_, row) => row);
    const job: FitJob = {
      kind: "boosting",
      table: { columns: 1, x, y: x.map((value) => (value < 30 ? 1 : 5)) },
      options: {
        ...{ trees: 20, learningRate: 0.5, maxLeaves: 4, minLeaf: 2, l2: 0 },
        ...{ rowShare: 1, columnShare: 1, bins: 32, patience: 0, seed: 1 },
      },
    };
    worker.postMessage({ place: 7, job });
    const answer = (await answered) as { place: number; result: BoostingResult };
    await worker.terminate();
    expect(answer.place).toBe(7);
    expect(answer.result).toEqual(runFitJob(job));
  });

  it("brings the first window forward instead of being a second program", async () => {
    const desktop = await start("single");
    await desktop.waitFor("loadURL");
    await desktop.tell({ kind: "app", event: "second-instance" });
    expect(desktop.calls.map((call) => call.name)).toEqual(expect.arrayContaining(["restore", "focus"]));
    const second = await start("single", { FAKE_ELECTRON_SECOND: "1" });
    expect(await second.ended).toBe(0);
    expect(second.calls.map((call) => call.name)).not.toContain("BrowserWindow");
  });

  it("says why a lab cannot be opened, and ends", async () => {
    writeFileSync(join(folder, "a-file"), "not a folder");
    const desktop = await start("a-file");
    expect(await desktop.ended).toBe(1);
    const { title, text } = (await desktop.waitFor("showErrorBox")) as { title: string; text: string };
    expect(title).toBe("Latency Lab cannot open its lab");
    expect(text).toContain(join(folder, "a-file"));
    expect(text).not.toMatch(/at file:|Error:/);
  });
});

describe("npm start", () => {
  it("without a binary says so in one line and serves the same lab, downloading nothing", async () => {
    const child = spawn(
      process.execPath,
      [join(root, "src-main", "start.ts"), "--lab", join(folder, "started")],
      {
        // No screen either: a test opens nobody's browser.
        env: {
          ...process.env,
          ELECTRON_OVERRIDE_DIST_PATH: join(folder, "none"),
          DISPLAY: "",
          WAYLAND_DISPLAY: "",
        },
      },
    );
    let stdout = "";
    const url = new Promise<string>((resolve, reject) => {
      child.stdout.on("data", (data) => {
        stdout += String(data);
        const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(stdout);
        if (found) resolve(found[0]);
      });
      child.once("close", () => reject(new Error(`it ended: ${stdout}`)));
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    expect(await (await fetch(await url)).text()).toContain("<title>Latency Lab</title>");
    child.kill("SIGINT");
    expect(await closed).toBe(0);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "Electron's binary is not installed (`npx install-electron` fetches it): the same lab opens in a browser instead.",
      expect.stringContaining("Latency Lab is at http://127.0.0.1:") as string,
    ]);
  });
});

describe("the preload", () => {
  it("exposes send, onMessage and pathOf, and nothing else", () => {
    const exposed = new Map<string, Record<string, unknown>>();
    const listeners = new Map<string, Set<(event: unknown, message: string) => void>>();
    const sent: unknown[][] = [];
    const electron = {
      contextBridge: {
        exposeInMainWorld: (name: string, api: Record<string, unknown>) => exposed.set(name, api),
      },
      ipcRenderer: {
        send: (...args: unknown[]) => sent.push(args),
        on: (channel: string, listener: (event: unknown, message: string) => void) =>
          listeners.set(channel, (listeners.get(channel) ?? new Set()).add(listener)),
        off: (channel: string, listener: (event: unknown, message: string) => void) =>
          listeners.get(channel)?.delete(listener),
      },
      webUtils: { getPathForFile: (file: { name: string }) => `/dropped/${file.name}` },
    };
    const required: string[] = [];
    const source = readFileSync(join(out, "preload", "preload.cjs"), "utf8");
    new Function("require", "module", "exports", source)(
      (name: string) => {
        required.push(name);
        return electron;
      },
      { exports: {} },
      {},
    );
    expect(required).toEqual(["electron"]);
    expect([...exposed.keys()]).toEqual(["latencyLab"]);
    const api = exposed.get("latencyLab") as {
      send(message: string): void;
      onMessage(listener: (message: string) => void): () => void;
      pathOf(file: { name: string }): string;
    };
    expect(Object.keys(api).sort()).toEqual(["onMessage", "pathOf", "send"]);
    api.send("hello");
    expect(sent).toEqual([["latency-lab", "hello"]]);
    const heard: unknown[][] = [];
    const stop = api.onMessage((...args) => heard.push(args));
    for (const listener of listeners.get("latency-lab")!) listener({ sender: "secret" }, "answer");
    stop();
    expect(heard).toEqual([["answer"]]);
    expect(listeners.get("latency-lab")!.size).toBe(0);
    expect(api.pathOf({ name: "a.tflite" })).toBe("/dropped/a.tflite");
  });
});

const binary = findElectronBinary();
const obstacle =
  binary === null ? "no Electron binary is installed" : hasScreen() ? null : "there is no screen";
if (obstacle) console.log(`skipped: the real desktop window, because ${obstacle}`);

describe.skipIf(obstacle !== null)("the desktop window in the real Electron", () => {
  it("shows this computer", async () => {
    const application = await _electron.launch({
      executablePath: binary!,
      args: [main, "--lab", join(folder, "real")],
    });
    try {
      const page = await application.firstWindow();
      expect(page.url()).toContain(pageUrl);
      await page.getByRole("article").filter({ hasText: "this computer" }).waitFor();
      expect(await page.evaluate(() => typeof Reflect.get(globalThis, "require"))).toBe("undefined");
    } finally {
      await application.close();
    }
  });
});
