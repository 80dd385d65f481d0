import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { windowMissing } from "./lab/errors.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds the desktop program into `out/` when it is missing or older than its sources; rejects with window-missing. */
export async function prepareDesktop(): Promise<void> {
  if (isFresh()) return;
  const manifest = createRequire(import.meta.url).resolve("electron-vite/package.json");
  const program = join(dirname(manifest), "bin", "electron-vite.js");
  const child = spawn(process.execPath, [program, "build", "--logLevel", "warn"], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0)
    throw windowMissing(join(root, "out"), stderr.trim().split("\n").at(-1) ?? `exit code ${code}`);
}

function isFresh(): boolean {
  const built = ["main/main.js", "preload/preload.cjs", "renderer/index.html"].map((path) =>
    join(root, "out", path),
  );
  if (!built.every((path) => existsSync(path))) return false;
  const builtAt = Math.min(...built.map((path) => statSync(path).mtimeMs));
  return ["src-main", "src-renderer"].every((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).every(
      (entry) => !entry.isFile() || statSync(join(entry.parentPath, entry.name)).mtimeMs <= builtAt,
    ),
  );
}
