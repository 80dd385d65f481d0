/** How the window's page is built; for electron.vite.config.ts, `npm start`, `serve` and the end-to-end tests. */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { InlineConfig } from "vite";

const rendererRoot = fileURLToPath(new URL(".", import.meta.url));
// What the page takes from the lab at run time.
const sharedSources = ["wire.ts", "format.ts", "errors.ts"].map((name) =>
  fileURLToPath(new URL(`../src-main/lab/${name}`, import.meta.url)),
);

/** Where the built page lies unless told otherwise. */
export const rendererOut = fileURLToPath(new URL("../out/renderer/", import.meta.url));

/** The page's build: root, plugins and output, independent of the folder it is started from. */
export function describeRenderer(outDir: string = rendererOut) {
  return {
    configFile: false,
    root: rendererRoot,
    base: "./",
    plugins: [svelte({ configFile: false })],
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2024",
      // Inlined assets would be data: addresses, which the content security policy refuses.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: { input: `${rendererRoot}index.html` },
    },
  } satisfies InlineConfig;
}

/** Builds the page when it is missing or older than its sources (always with `force`); tells whether it built. */
export async function buildRenderer(options: { outDir?: string; force?: boolean } = {}): Promise<boolean> {
  const outDir = options.outDir ?? rendererOut;
  if (!options.force && !isStale(outDir)) return false;
  const { build } = await import("vite");
  // Built aside and moved into place, so that two builders at once never leave half a page.
  const place = outDir.replace(/\/+$/, "");
  const aside = `${place}.${process.pid}`;
  try {
    await build({ ...describeRenderer(aside), logLevel: "error" });
    rmSync(place, { recursive: true, force: true });
    renameSync(aside, place);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    // Someone else's build that came first is as good.
    if (isStale(outDir)) throw error;
  }
  return true;
}

function isStale(outDir: string): boolean {
  const page = join(outDir, "index.html");
  if (!existsSync(page)) return true;
  const builtAt = statSync(page).mtimeMs;
  const own = readdirSync(rendererRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [...own, ...sharedSources].some((path) => statSync(path).mtimeMs > builtAt);
}
