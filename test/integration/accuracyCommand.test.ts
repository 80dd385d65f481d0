/** `npm run accuracy` on a small set made here. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccuracyRow } from "../../src-main/evaluate/accuracyTable.ts";
import { writeCut } from "./publishedCut.ts";

const program = fileURLToPath(new URL("../../bench/accuracy.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "latency-lab-accuracy-"));
const data = join(folder, "data");
const networks = [
  ...[
    "resnet10",
    "resnet12",
    "resnet18_wd4",
    "preresnet10",
    "mobilenet_wd4",
    "mobilenet_wd2",
    "mobilenetv2_wd4",
  ],
  ...["squeezenet_v1_0", "squeezenet_v1_1", "squeezeresnet_v1_1", "regnetx002", "regnety002"],
];

beforeAll(() =>
  writeCut(data, { networks, gpus: ["pixel4"], cpus: ["pixel4|1large|float", "s10|2med|quant"] }),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(
  words: readonly string[],
  cwd: string,
  onError?: (text: string, stop: () => void) => void,
): Promise<Outcome> {
  const child = spawn(process.execPath, ["--no-warnings", program, ...words], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onError?.(stderr, () => child.kill("SIGINT"));
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function makePlace(name: string): string {
  const place = join(folder, name);
  mkdirSync(place);
  return place;
}

const quick = ["--seeds", "2", "--sizes", "6,8", "--learners", "lasso,flops,additive", "--workers", "2"];

describe("the accuracy command", () => {
  it("prints only rows under --json and writes a page that needs nothing else", async () => {
    const place = makePlace("json");
    const { code, stdout } = await run([data, ...quick, "--json"], place);
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as { rows: AccuracyRow[] };
    expect(Object.keys(document)).toEqual(["rows"]);
    const { rows } = document;
    expect(new Set(rows.map(({ scenario }) => scenario))).toEqual(
      new Set(["pixel4/gpu/float16/gpu-cl", "pixel4/1large/float32/tflite", "s10/2med/int8/tflite"]),
    );
    const find = (scenario: string, learner: string, trainSize: number) =>
      rows.find(
        (row) =>
          row.scenario.startsWith(scenario) &&
          row.learner === learner &&
          row.protocol === "random" &&
          row.trainSize === trainSize,
      )!;
    const gpu = find("pixel4/gpu", "lasso", 6);
    expect(gpu).toMatchObject({ kind: "gpu", seeds: 2, predictions: 2 * (networks.length - 6) });
    // Times are a formula of kernels plus an overhead with some 1 % of noise: with true kernel times little is left.
    expect(gpu.oracleMape).toBeLessThan(5);
    expect(gpu.mape).toBeLessThan(40);
    const cpu = find("s10/2med", "additive", 8);
    expect(cpu).toMatchObject({
      kind: "cpu",
      seeds: 2,
      predictions: 2 * (networks.length - 8),
      oracleMape: null,
    });
    expect(cpu.mape).toBeLessThan(40);
    expect(find("s10/2med", "flops", 8).mape).toBeGreaterThan(0);
    for (const protocol of ["family", "coarse-family"] as const) {
      const left = rows.filter((row) => row.protocol === protocol);
      expect(new Set(left.map(({ kind }) => kind))).toEqual(new Set(["gpu", "cpu"]));
      // Every network is left out once.
      for (const { kind, predictions } of left) if (kind === "cpu") expect(predictions).toBe(networks.length);
    }
    const html = readFileSync(join(place, "accuracy.html"), "utf8");
    expect(html).toContain("</html>");
    expect(html).not.toMatch(/(src|href)\s*=\s*["']?(https?:|\/\/)/i);
    expect(readdirSync(place)).toEqual(["accuracy.html"]);
  });

  it("prints the tables, of the scenarios and kind asked for", async () => {
    const place = makePlace("text");
    const { code, stdout } = await run(
      [join(data, "dataset"), ...quick, "--only", "cpu", "--scenarios", "^s10", "--out", "page.html"],
      place,
    );
    expect(code).toBe(0);
    expect(stdout).toContain("s10/2med/int8/tflite");
    expect(stdout).not.toContain("pixel4");
    expect(stdout).toMatch(/learner +6 +8 +family out +coarse family out/);
    expect(existsSync(join(place, "page.html"))).toBe(true);
  });

  it("stops at Ctrl+C with nothing half-written", async () => {
    const place = makePlace("stopped");
    const endless = [data, "--only", "gpu", "--learners", "lasso", "--sizes", "6", "--seeds", "100000"];
    let isStopped = false;
    const { code, stdout, stderr } = await run(endless, place, (text, stop) => {
      if (isStopped || !text.includes("GPUs: begun")) return;
      isStopped = true;
      stop();
    });
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toContain("cancelled; nothing was written");
    expect(readdirSync(place)).toEqual([]);
  });

  it("tells in one line what is wrong with a folder, and how it is used", async () => {
    const place = makePlace("wrong");
    mkdirSync(join(place, "empty"));
    for (const path of [join(place, "nowhere"), join(place, "empty")]) {
      const { code, stdout, stderr } = await run([path], place);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toContain(path);
    }
    const wrong = await run([data, "--only", "tpu"], place);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/^--only is gpu or cpu, not tpu\n/);
    const unknown = await run([data, "--learners", "oracle-of-delphi"], place);
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("There is no learner oracle-of-delphi");
    expect(readdirSync(place)).toEqual(["empty"]);
  });
});
