/** Runs once before all tests: what the tests of this run need is found or made, and nothing that none of them needs. */
import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { delimiter, dirname, join, resolve as resolvePath } from "node:path";
import type { TestProject } from "vitest/node";
import { buildRenderer } from "../src-renderer/build.ts";

const browserNames = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** The port of the user's own adb server, which no test may start or use. */
const userAdbPort = 5037;

/** Vitest's global setup: a browser in $CHROMIUM and a fresh window in out/renderer; adb in $ADB; watches the user's adb port. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const listenedBefore = await isListening(userAdbPort);
  const files = await listTestFiles(project);
  if (files.some((file) => file.replaceAll("\\", "/").includes("/test/e2e/"))) {
    process.env["CHROMIUM"] = await findProgram("CHROMIUM", "chromium", "a browser", browserNames);
    await buildRenderer();
  }
  if (files.some((file) => reachesFakePhone(file)))
    process.env["ADB"] = await findProgram("ADB", "adb", "adb", ["adb"]);
  return async () => {
    if (!listenedBefore && (await isListening(userAdbPort)))
      throw new Error(
        `Something listens on 127.0.0.1:${userAdbPort} that did not before the tests. A test started the user's adb server; tests have one on a port of their own. (Or you started it meanwhile: then run the tests again.)`,
      );
  };
}

async function listTestFiles(project: TestProject): Promise<string[]> {
  // The filters of the command line; `vitest run test/unit` builds no window.
  const filters: unknown = Reflect.get(project.vitest, "filenamePattern");
  return (await project.globTestFiles(Array.isArray(filters) ? filters.map(String) : [])).testFiles;
}

/** Whether a test starts a fake phone or an adb server, itself or through what it imports from the tests' folders. */
export function reachesFakePhone(file: string, seen = new Set<string>()): boolean {
  if (/[\\/]fake[\\/](phone|adbServer)/.test(file)) return true;
  if (seen.has(file) || !/[\\/]test[\\/]/.test(file)) return false;
  seen.add(file);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return false;
  }
  const imports = text.matchAll(/(?:from|import|import\()\s*["'](\.[^"']+)["']/g);
  return [...imports].some((match) => reachesFakePhone(resolvePath(dirname(file), match[1]!), seen));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

// The program named in the variable, else one on PATH, else the one of the package, which root lets us install.
async function findProgram(
  variable: string,
  packageName: string,
  what: string,
  names: readonly string[],
): Promise<string> {
  const given = process.env[variable];
  if (given) return given;
  const found = findOnPath(names);
  if (found) return found;
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new Error(
      `Tests of this run need the package ${packageName}: install it, or name ${what} in $${variable}`,
    );
  console.log(`Installing the package ${packageName} for the tests…`);
  await runQuietly(packageName, "apt-get", ["update", "-qq"]);
  await runQuietly(packageName, "apt-get", ["install", "-y", "-qq", "--no-install-recommends", packageName]);
  const installed = findOnPath(names);
  if (!installed) throw new Error(`The package ${packageName} was installed but put nothing on PATH`);
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

function runQuietly(packageName: string, command: string, args: string[]): Promise<void> {
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
      else
        reject(new Error(`${command} ${args.join(" ")} failed (package ${packageName}): ${output.trim()}`));
    });
  });
}
