import { fileURLToPath } from "node:url";
import { defineConfig } from "electron-vite";
import { describeRenderer } from "./src-renderer/build.ts";

function source(path: string): string {
  return fileURLToPath(new URL(`./src-main/${path}`, import.meta.url));
}

const renderer = describeRenderer();

// Three builds: the main process with its worker and benchmark program as files of their own, because they are started by
// path; the preload as CommonJS, because a sandboxed preload cannot be a module; the page.
export default defineConfig({
  main: {
    build: {
      outDir: "out/main",
      rollupOptions: {
        input: {
          main: source("main.ts"),
          fitWorker: source("predict/fitWorker.ts"),
          hostBenchmark: source("profile/hostBenchmark.ts"),
        },
        output: { format: "es", entryFileNames: "[name].js", chunkFileNames: "[name].js" },
      },
    },
  },
  preload: {
    build: {
      outDir: "out/preload",
      rollupOptions: {
        input: { preload: source("preload.ts") },
        output: { format: "cjs", entryFileNames: "[name].cjs" },
      },
    },
  },
  renderer: { root: renderer.root, base: renderer.base, plugins: renderer.plugins, build: renderer.build },
});
