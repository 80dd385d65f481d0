import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { CountReporter } from "./test/reporter.ts";

export default defineConfig({
  test: {
    include: ["test/{unit,integration,e2e}/**/*.test.ts"],
    globalSetup: ["test/setup.ts"],
    reporters: ["default", new CountReporter()],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    // What is waited for comes in its own time: a busy computer must not fail a test.
    expect: { poll: { timeout: 60_000, interval: 50 } },
    pool: "forks",
    // Vitest would leave a core idle; most of the long tests wait for adb, a browser or another process.
    maxWorkers: availableParallelism(),
    // No test looks for phones unless it brings an adb server of its own.
    env: { LATENCY_LAB_ADB: "none" },
  },
});
