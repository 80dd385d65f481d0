import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { parseBenchmarkOutput, parseProfileCsv } from "../../src-main/profile/benchmarkOutput.ts";
import { findHostLibrary, runHostPass } from "../../src-main/profile/hostProcess.ts";
import { findProgram } from "../../src-main/profile/pinning.ts";
import { parseSamplesFile } from "../../src-main/profile/samplesFile.ts";

const folder = mkdtempSync(join(tmpdir(), "host benchmark é "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = new URL("../../src-main/profile/hostBenchmark.ts", import.meta.url).pathname;
const face = join(
  dirname(createRequire(import.meta.url).resolve("@mediapipe/face_detection/package.json")),
  "face_detection_short_range.tflite",
);

function run(...flags: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--no-warnings", program, ...flags], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

const short = ["--num_runs=3", "--min_secs=0", "--warmup_min_secs=0"];

describe("host benchmark on the real TFLite runtime", () => {
  it("runs a network nobody here wrote and prints what the parser reads", async () => {
    const { code, stdout, stderr } = await run(
      `--graph=${face}`,
      ...short,
      "--report_peak_memory_footprint=true",
    );
    expect(code).toBe(0);
    const output = parseBenchmarkOutput(stdout, stderr);
    expect(output.measured?.count).toBe(3);
    expect(output.averageMs).toBeGreaterThan(0.1);
    expect(output.firstInferenceMs).toBeGreaterThan(0.1);
    expect(output.peakMemoryBytes).toBeGreaterThan(1e7);
  });

  it("times every op of the graph under its own index, and they sum to about the whole", async () => {
    const csv = join(folder, "profile.csv");
    const { stdout, stderr } = await run(
      `--graph=${face}`,
      "--num_runs=20",
      "--min_secs=0",
      "--enable_op_profiling=true",
      "--op_profiling_output_mode=csv",
      `--op_profiling_output_file=${csv}`,
    );
    const { rows, skipped } = parseProfileCsv(readFileSync(csv, "utf8"));
    const { ops, tensors } = mainSubgraph(readTflite(readFileSync(face), face));
    expect(skipped).toBe(0);
    expect(rows.map((row) => [row.node, row.type])).toEqual(ops.map((op, index) => [index, op.type]));
    expect(rows.map((row) => row.name)).toEqual(
      ops.map((op) => op.outputs.map((output) => tensors[output]!.name).join(", ")),
    );
    const sum = rows.reduce((total, row) => total + row.averageMs, 0);
    const whole = parseBenchmarkOutput(stdout, stderr).measured!;
    expect(sum).toBeGreaterThan(whole.minMs! * 0.5);
    expect(sum).toBeLessThan(whole.maxMs! * 1.05);
  });

  it("writes every raw sample with the canary on both sides", async () => {
    const path = join(folder, "samples.json");
    const { code, stdout } = await run(
      `--graph=${face}`,
      ...short,
      "--max_secs=5",
      `--canary_graph=${face}`,
      `--samples_output_file=${path}`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/Canary: kept \d+ of \d+ runs/);
    const file = parseSamplesFile(readFileSync(path, "utf8"))!;
    expect(file.us.length).toBeGreaterThanOrEqual(1);
    expect(file.canaryBeforeUs.every((us) => us !== null && us > 0)).toBe(true);
    expect(file.canaryAfterUs.length).toBe(file.us.length);
    expect(file.runtimeVersion).toMatch(/^\d+\.\d+/);
  });

  it("puts XNNPACK's partition in one row", async () => {
    const { code, stdout } = await run(
      `--graph=${face}`,
      ...short,
      "--use_xnnpack=true",
      "--enable_op_profiling=true",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^TfLiteXNNPackDelegate, /m);
  });

  it("says about unknown flags what the official tool says, and ends well", async () => {
    const { code, stdout } = await run(`--graph=${face}`, ...short, "--use_gpu=true");
    expect(code).toBe(0);
    expect(parseBenchmarkOutput(stdout, "").unconsumed).toEqual(["--use_gpu=true"]);
  });

  it.each([
    ["no file", () => join(folder, "none.tflite"), /Could not open/],
    ["an empty file", () => place("empty.tflite", ""), /null\/empty/],
    ["text", () => place("text.tflite", "hello"), /not a valid Flatbuffer|Failed to load/],
    ["half a file", () => place("half.tflite", readFileSync(face).subarray(0, 100_000)), /./],
  ])("ends with exit code 1 and a reason on %s", async (_name, locate, reason) => {
    const { code, stderr } = await run(`--graph=${locate()}`, ...short);
    expect(code).toBe(1);
    const { errors } = parseBenchmarkOutput("", stderr);
    expect(errors.join(" ")).toMatch(reason);
    expect(stderr).not.toMatch(/at .*\.ts:/);
  });
});

function place(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("a pass of the runner", () => {
  const plan = { runs: 3, minSecs: 0, maxSecs: 5, warmupSecs: 0 };
  const pass = {
    modelPath: face,
    coreSet: { name: "1core", mask: "0x1", cpus: [0] },
    runtime: "tflite" as const,
    plan,
    perOp: true,
    canaryPath: null,
    canaryReferenceUs: 0,
  };

  it("gives profile, samples and flags without temporary paths", async () => {
    const result = await runHostPass(pass);
    expect(result).toMatchObject({ exitCode: 0, timedOut: false, killedBy: null });
    expect(parseProfileCsv(result.profileCsv!).rows.length).toBe(164);
    expect(result.samples!.us.length).toBe(3);
    expect(result.flags.join(" ")).not.toContain("samples_output_file");
    expect(result.pinned).toBe(process.platform === "linux" && findProgram("taskset") !== null);
  });

  it("is cancelled at once, when its process has ended", async () => {
    const controller = new AbortController();
    const running = runHostPass({
      ...pass,
      plan: { ...plan, runs: 1e6, minSecs: 60, maxSecs: 60 },
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 300);
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
  });

  it("knows the library by version and hash", () => {
    expect(findHostLibrary()).toMatchObject({
      problem: null,
      version: expect.stringMatching(/^2\./),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});
