/** The real window on a real lab: a temporary folder, the lab's own server, Chromium. */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { openLab } from "../../src-main/lab/lab.ts";
import type { OpenedLab } from "../../src-main/lab/lab.ts";
import { serve } from "../../src-main/server.ts";
import { buildRenderer, rendererOut } from "../../src-renderer/build.ts";

type RunningServer = Awaited<ReturnType<typeof serve>>;

export interface WindowOptions {
  width?: number;
  height?: number;
  colorScheme?: "light" | "dark";
}

/** Opens a lab in a folder. */
export type OpenLab = (folder: string) => OpenedLab | Promise<OpenedLab>;

/** A lab whose lists leave out the zoo: what a test puts into it stands on the first page of every table. */
export function withoutZoo(lab: OpenedLab): OpenedLab {
  const models: OpenedLab["models"] = async (filter) =>
    (await lab.models(filter)).filter(({ kind }) => kind !== "zoo");
  return { ...lab, models };
}

const openWithoutPhones: OpenLab = async (folder) =>
  withoutZoo(await openLab({ folder, adb: { env: { ...process.env, LATENCY_LAB_ADB: "none" } } }));

/** A lab with its server and a browser; windows are opened on it as often as a test likes. */
export class ServedLab {
  readonly folder: string;
  readonly lab: OpenedLab;
  #server: RunningServer;
  #browser: Browser;
  /** Everything the pages complained of: console errors, exceptions, refused contents. */
  readonly complaints: string[] = [];

  private constructor(folder: string, lab: OpenedLab, server: RunningServer, browser: Browser) {
    this.folder = folder;
    this.lab = lab;
    this.#server = server;
    this.#browser = browser;
  }

  /** Opens the window on a lab of its own; without phones and without the zoo in its lists unless `open` brings some. */
  static async open(open: OpenLab = openWithoutPhones): Promise<ServedLab> {
    await buildRenderer();
    const folder = mkdtempSync(join(tmpdir(), "latlab-e2e-"));
    const lab = await open(folder);
    const server = await serve({ lab, port: 0, host: "127.0.0.1", files: rendererOut });
    const browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? findOnPath("chromium"),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    return new ServedLab(folder, lab, server, browser);
  }

  get url(): string {
    return this.#server.url;
  }

  /** A new window on an address such as `#/models`. */
  async openPage(hash = "", options: WindowOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      colorScheme: options.colorScheme ?? "light",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) =>
        console.error(
          `refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`,
        ),
      );
    });
    await page.goto(new URL(hash, this.url).href);
    return page;
  }

  /** Closes all windows. */
  async closePages(): Promise<void> {
    for (const context of this.#browser.contexts()) await context.close();
  }

  /** Stops the server and starts one on the same port, as a lab that is started again does. */
  async restartServer(between: () => Promise<void>): Promise<void> {
    const port = Number(new URL(this.url).port);
    await this.#server.close();
    await between();
    this.#server = await serve({ lab: this.lab, port, host: "127.0.0.1", files: rendererOut });
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
    await this.lab.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function findOnPath(program: string): string {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(`${program} is not on PATH; install it or name one in $CHROMIUM`);
}
