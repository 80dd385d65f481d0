import { afterEach, describe, expect, it } from "vitest";
import type { GpuBehaviour } from "../fake/phoneProfile.ts";
import { PhoneRig } from "./phoneRig.ts";

let rig: PhoneRig | null = null;

afterEach(async () => {
  await rig?.stop();
  rig = null;
});

describe("the official benchmark_model", () => {
  it("tells statistics, which count as they are, and rows per op", async () => {
    rig = await PhoneRig.start({ tool: "official" });
    const cells = await rig.measure(rig.plan(["1large/float32/tflite"], rig.addNetworks(1)));
    const { cell, samples, opTimes, provenance } = cells[0]!;
    expect(["done", "noisy"]).toContain(cell.state);
    if (cell.state === "noisy") expect(cell.error).toMatch(/scatter|op times|canary/);
    expect(samples).toEqual([]);
    expect(cell.latencyMs).toBeGreaterThan(0);
    expect(cell.kept).toBe(cell.total);
    expect(cell.kept).toBe(provenance!.aggregate!.count);
    expect(provenance!.aggregate!.averageMs).toBeGreaterThan(0);
    expect(opTimes.map(({ op }) => op)).toEqual([0, 1, 2, 3]);
    expect(provenance!.readBackMask).toBe("80");
    expect(provenance!.runtimeVersion).toMatch(/benchmark_model \(by its flags\)$/);
    expect(provenance!.flags.join(" ")).not.toMatch(/canary|samples|run\//);
  });

  it("applies XNNPACK when asked, and its rows are kernels", async () => {
    rig = await PhoneRig.start({ tool: "official" });
    const cells = await rig.measure(rig.plan(["2med/float32/xnnpack"], rig.addNetworks(1)));
    const { cell, provenance, opTimes } = cells[0]!;
    expect(cell.error ?? "scatter").toMatch(/scatter|op times|canary/);
    expect(provenance!.kernels!.length + opTimes.length).toBeGreaterThan(0);
    expect(provenance!.coreMask).toBe("0x30");
  });
});

describe("a GPU scenario", () => {
  const measure = async (
    gpu: GpuBehaviour,
    tool: "host" | "official",
    precision: string,
    profile = "snapdragon855",
  ) => {
    rig = await PhoneRig.start({ gpu, tool, profile });
    const cells = await rig.measure(rig.plan([`gpu/${precision}/gpu-cl`], rig.addNetworks(1)));
    return cells[0]!;
  };

  it.each(["host", "official"] as const)("of OpenCL is measured with its kernels (%s)", async (tool) => {
    const { cell, provenance, opTimes } = await measure("opencl", tool, "float16");
    expect(cell.error ?? "scatter").toMatch(/scatter|fast state|canary/);
    expect(cell.latencyMs).toBeGreaterThan(0);
    expect(provenance!.delegate).toMatchObject({
      name: "GPU",
      backend: "OpenCL",
      coverage: "full",
      left: [],
    });
    expect(provenance!.kernels!.length).toBeGreaterThan(0);
    expect(opTimes).toEqual([]);
    // The fastest cluster has one core, so the next one joins it.
    expect(provenance!.coreMask).toBe("0xf0");
    expect(provenance!.flags).toContain("--use_gpu=true");
    expect(provenance!.flags).toContain("--gpu_precision_loss_allowed=true");
  });

  it("takes int8 networks with a flag of their own", async () => {
    const { cell, provenance } = await measure("opencl", "official", "int8");
    expect(cell.latencyMs).toBeGreaterThan(0);
    expect(provenance!.flags).toContain("--gpu_experimental_enable_quant=true");
  });

  it("that fell back to OpenGL is no measurement", async () => {
    const { cell, samples } = await measure("opengl", "official", "float32");
    expect(cell).toMatchObject({ state: "failed", latencyMs: null });
    expect(cell.error).toMatch(/^the GPU took nothing of the network: .*OpenCL library/);
    expect(samples).toEqual([]);
  });

  it("that fell back to the CPU is no measurement", async () => {
    const { cell } = await measure("none", "official", "float32");
    expect(cell).toMatchObject({ state: "failed", latencyMs: null });
    expect(cell.error).toMatch(/CPU|GPU/);
  });

  it("that the GPU took in part tells what stayed behind", async () => {
    const { cell, provenance } = await measure("partial", "official", "float32", "snapdragon8gen3");
    expect(["done", "noisy"]).toContain(cell.state);
    expect(provenance!.delegate).toMatchObject({ name: "GPU", coverage: "partial" });
    expect(provenance!.delegate!.left.length).toBeGreaterThan(0);
  });
});
