import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The Electron binary that is installed, or null. The package's own entry would download a missing one, which nobody who
 * starts the lab has asked for.
 */
export function findElectronBinary(environment: NodeJS.ProcessEnv = process.env): string | null {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("electron/package.json"));
    const given = environment["ELECTRON_OVERRIDE_DIST_PATH"];
    const pathFile = join(folder, "path.txt");
    const name = existsSync(pathFile) ? readFileSync(pathFile, "utf8").trim() : "";
    if (!name && !given) return null;
    const path = join(given ?? join(folder, "dist"), name || "electron");
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}
