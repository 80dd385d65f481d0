import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { windowMissing } from "./lab/errors.ts";

/** The folder of the built window. */
export const windowFolder = fileURLToPath(new URL("../out/renderer/", import.meta.url));

/**
 * Gives the folder of the built window; builds it first when it is missing or older than its sources. Rejects with
 * window-missing when it cannot be built.
 */
export async function prepareWindow(folder: string = windowFolder): Promise<string> {
  try {
    const { buildRenderer } = await import("../src-renderer/build.ts");
    await buildRenderer({ outDir: folder });
  } catch (error) {
    // An installation without the tools to build carries a built window.
    if (!existsSync(`${folder}/index.html`)) throw windowMissing(folder, (error as Error).message);
  }
  return folder;
}
