import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { runCommand } from "./commandLine.ts";

interface Document {
  target: string;
  precision: string;
  gpu: { vendor: string; generation: string; rules: string } | null;
  kernels: { model: string; class: string | null; ops: number[]; why: string[] }[];
  cpu: { model: string; index: number }[];
}

describe("kernels", () => {
  let folder: string;
  let lab: OpenedLab;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "latlab-kernels-"));
    lab = await openLab({ folder: join(folder, "lab") });
  });
  afterAll(async () => {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const latlab = (...args: string[]) =>
    runCommand(["--lab", join(folder, "lab"), "kernels", ...args], { cwd: folder });

  async function readKernels(...args: string[]): Promise<Document> {
    const { code, stdout, stderr } = await latlab(...args, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as Document;
  }

  it("of a CPU are one an op, each with a reason", async () => {
    const [detail] = await lab.inspect({ models: ["resnet18"] });
    const { kernels, gpu, precision } = await readKernels("resnet18", "--target", "cpu");
    expect([gpu, precision]).toEqual([null, "float32"]);
    expect(kernels.map((kernel) => kernel.ops)).toEqual(detail!.ops.map((op) => [op.index]));
    for (const { why } of kernels) expect(why.join("")).not.toBe("");
  });

  it("of XNNPACK take what stands before a convolution into it", async () => {
    const plain = await readKernels("mobilenetv2_w1", "--target", "cpu");
    const merged = await readKernels("mobilenetv2_w1", "--target", "cpu", "--runtime", "xnnpack");
    expect(merged.kernels.length).toBeLessThan(plain.kernels.length);
    expect(merged.kernels.flatMap((kernel) => kernel.ops).length).toBe(plain.kernels.length);
  });

  it("of a GPU run several ops, and every op is run or left to the CPU", async () => {
    const [detail] = await lab.inspect({ models: ["resnet18"] });
    const found = await readKernels("resnet18", "--target", "gpu:Adreno (TM) 640");
    expect(found).toMatchObject({ precision: "float16", gpu: { vendor: "adreno", generation: "6xx" } });
    const ran = found.kernels.flatMap((kernel) => kernel.ops);
    const left = found.cpu.map((op) => op.index);
    expect([...new Set([...ran, ...left])].sort((a, b) => a - b)).toEqual(detail!.ops.map((op) => op.index));
    const residual = found.kernels.find(({ ops }) => ops.some((op) => detail!.ops[op]!.op === "ADD"))!;
    expect(residual.ops.length).toBeGreaterThan(1);
    expect(residual.why.join()).toMatch(/linked/);
  });

  it("depend on the GPU and on its arithmetic", async () => {
    const winograd = async (...args: string[]) =>
      (await readKernels("resnet18", "--target", ...args)).kernels.filter(
        (kernel) => kernel.class === "gpu-conv-winograd",
      ).length;
    expect(await winograd("gpu:Adreno (TM) 640")).toBeLessThan(await winograd("gpu:Mali-G76 MP12"));
    const reasons = async (precision: string) =>
      (await readKernels("resnet18", "--target", "gpu:Apple A15 GPU", "--precision", precision)).kernels;
    expect(await reasons("float16")).not.toEqual(await reasons("float32"));
  });

  it("of several models stand in one document, each with its model", async () => {
    const { kernels } = await readKernels("resnet18", "mobilenet_w1", "--target", "gpu:Mali-G57");
    expect([...new Set(kernels.map((kernel) => kernel.model))]).toEqual(["resnet18", "mobilenet_w1"]);
  });

  it("of a GPU nobody knows tell which rules apply", async () => {
    const { code, stdout } = await latlab("resnet18", "--target", "gpu:Frobnicator 9");
    expect(code).toBe(0);
    const [title, rules, heads, ...rows] = stdout.trimEnd().split("\n");
    expect(title).toMatch(/^resnet18 on gpu:Frobnicator 9, float16: \d+ kernels for \d+ ops$/);
    expect(rules).toMatch(
      /No vendor is known by this name.* rules of tflite-2\.10 for GPUs it does not know/,
    );
    expect(heads).toMatch(/^kernel +variant +ops +why$/);
    const { kernels } = await readKernels("resnet18", "--target", "gpu:Frobnicator 9");
    expect(rows).toHaveLength(kernels.length);
    const unlisted = await latlab("resnet18", "--target", "gpu:Adreno (TM) 642L");
    expect(unlisted.stdout).toMatch(/Adreno GPUs it does not list apply/);
  });

  it("of the quantised form are those of its ops", async () => {
    const { kernels, precision } = await readKernels("resnet18", "--target", "cpu", "--precision", "int8");
    expect(precision).toBe("int8");
    expect(kernels.length).toBeGreaterThan(0);
  });
});
