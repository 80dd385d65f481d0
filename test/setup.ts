/** Runs once before all tests: what the end-to-end tests need is found or made, and nothing when none of them is in the run. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildRenderer } from "../src-renderer/build.ts";

const browserNames = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** Vitest's global setup: a browser in $CHROMIUM and a fresh window in out/renderer. */
export async function setup(project: TestProject): Promise<void> {
  if (!(await hasEndToEndTests(project))) return;
  process.env["CHROMIUM"] = await findBrowser();
  await buildRenderer();
}

async function hasEndToEndTests(project: TestProject): Promise<boolean> {
  // The filters of the command line; `vitest run test/unit` builds no window.
  const filters: unknown = Reflect.get(project.vitest, "filenamePattern");
  const { testFiles } = await project.globTestFiles(Array.isArray(filters) ? filters.map(String) : []);
  return testFiles.some((file) => file.replaceAll("\\", "/").includes("/test/e2e/"));
}

async function findBrowser(): Promise<string> {
  const given = process.env["CHROMIUM"];
  if (given) return given;
  const found = findOnPath(browserNames);
  if (found) return found;
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new Error(
      "The end-to-end tests need the package chromium: install it, or name a browser in $CHROMIUM",
    );
  console.log("Installing the package chromium for the end-to-end tests…");
  await runQuietly("apt-get", ["update", "-qq"]);
  await runQuietly("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"]);
  const installed = findOnPath(browserNames);
  if (!installed) throw new Error("The package chromium was installed but holds no browser on PATH");
  return installed;
}

function findOnPath(names: readonly string[]): string | null {
  for (const name of names)
    for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
      const path = join(folder, process.platform === "win32" ? `${name}.exe` : name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  return null;
}

function runQuietly(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-4000)));
    child.once("error", (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(" ")} failed (package chromium): ${output.trim()}`));
    });
  });
}
