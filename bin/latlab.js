#!/usr/bin/env node
// Starts the command line on the project's own Node: the sources need Node 24, whatever Node runs this file.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const neededMajor = 24;

function findNode() {
  const require = createRequire(import.meta.url);
  try {
    const folder = dirname(require.resolve("node/package.json"));
    const path = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(path)) return path;
  } catch {
    // Not installed; this one may do.
  }
  return Number(process.versions.node.split(".")[0]) >= neededMajor ? process.execPath : null;
}

const node = findNode();
if (node === null) {
  console.error(
    `error: Latency Lab needs Node ${neededMajor}, this is ${process.versions.node} (run \`npm ci\` in its folder)`,
  );
  process.exit(1);
}

const program = fileURLToPath(new URL("../src-main/cli.ts", import.meta.url));
const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: "inherit" });

// From a terminal both get the signal; the command line takes two in quick succession for one.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => child.kill(name));

child.on("error", (error) => {
  console.error(`error: ${node} cannot be started: ${error.message} (run \`npm ci\` again)`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
