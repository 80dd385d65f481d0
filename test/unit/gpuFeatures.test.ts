import { describe, expect, it } from "vitest";
import { deduceKernels } from "../../src-main/kernels/gpu.ts";
import type { GpuKernel } from "../../src-main/kernels/gpuKernel.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { readGpuFacts } from "../../src-main/predict/gpuFacts.ts";
import type { GpuFacts } from "../../src-main/predict/gpuFacts.ts";
import { gpuFeatureTable, listGpuFeatures, writeGpuFeatures } from "../../src-main/predict/gpuFeatures.ts";

function readAll(
  body: (b: GraphBuilder, x: Value) => Value,
  shape: number[],
  gpu: string,
): { kernel: GpuKernel; facts: GpuFacts }[] {
  const builder = new GraphBuilder("net");
  const graph = builder.build(body(builder, builder.input(shape)));
  const { device, kernels } = deduceKernels(graph, gpu);
  return kernels.map((kernel) => ({ kernel, facts: readGpuFacts(device, kernel) }));
}

const { tileFlops, wholeWaves, outTail4, outTail16, linkedReads } = gpuFeatureTable;

describe("facts of GPU kernels", () => {
  it("count work and traffic in halves and slices of four channels", () => {
    const all = readAll(
      (b, x) => b.conv(x, 6, 3, { padding: "same", activation: "relu" }),
      [1, 10, 10, 5],
      "Mali-G76 MP12",
    );
    const { facts } = all[0]!;
    // 2 × 10² × 6 × 3² × 5, and one a linked element.
    expect(facts.flops).toBe(54_000 + 600);
    expect(facts.plainFlops).toBe(54_000);
    expect(facts.readBytes).toBe(10 * 10 * 8 * 2);
    expect(facts.writeBytes).toBe(10 * 10 * 8 * 2);
    expect(facts.weightBytes).toBe(8 * 8 * 9 * 2);
  });

  it("count Winograd's three kernels apart", () => {
    const all = readAll((b, x) => b.conv(x, 64, 3, { padding: "same" }), [1, 56, 56, 64], "Mali-G76 MP12");
    const [forth, product, back] = all.map(({ facts }) => facts) as [GpuFacts, GpuFacts, GpuFacts];
    // 14 × 14 tiles, 36 products each; the plain convolution has 56² × 3² of them.
    expect(product.flops).toBe(2 * 36 * 196 * 64 * 64);
    expect(product.plainFlops).toBe(2 * 56 * 56 * 9 * 64 * 64);
    expect(forth.writeBytes).toBe(36 * 196 * 64 * 2);
    expect(back.readBytes).toBe(forth.writeBytes);
    expect(back.tiles.threads).toBe(196 * 4 * 16);
  });

  it("count both convolutions of Apple's fused kernel", () => {
    const all = readAll((b, x) => b.conv(b.depthwise(x, 3, { padding: "same" }), 12, 1), [1, 20, 20, 16], "Apple A10 GPU"); // prettier-ignore
    expect(all).toHaveLength(1);
    expect(all[0]!.facts.flops).toBe(2 * 400 * 16 * (9 + 12));
  });

  it("count the tensor a residual addition reads", () => {
    const all = readAll((b, x) => b.add(b.conv(x, 8, 1), b.relu(x)), [1, 4, 4, 8], "Adreno (TM) 640");
    const addition = all.find(({ kernel }) => kernel.linked.some(({ type }) => type === "add"))!;
    expect(linkedReads.read(addition.facts)).toBe(128);
    expect(addition.facts.readBytes).toBe(2 * 128 * 2);
  });
});

describe("features of GPU kernels", () => {
  it("have a unit and a reason, FLOPs and bytes first, none twice", () => {
    for (const { name, unit, reason } of Object.values(gpuFeatureTable)) {
      expect(unit, name).not.toBe("");
      expect(reason.length, name).toBeGreaterThan(15);
    }
    for (const kind of [
      "gpu-conv",
      "gpu-conv-winograd",
      "gpu-depthwise",
      "gpu-mean",
      "gpu-concat",
      "gpu-fully-connected",
    ]) {
      const list = listGpuFeatures(kind).map(({ name }) => name);
      expect(list.slice(0, 2)).toEqual(["FLOPs", "bytes moved"]);
      expect(new Set(list).size).toBe(list.length);
    }
  });

  it("are finite and not negative for sampled networks on every vendor", () => {
    const row = new Float64Array(64);
    for (let index = 0; index < 8; index++)
      for (const gpu of [
        "Adreno (TM) 640",
        "Mali-G76",
        "PowerVR Rogue GE8320",
        "Apple A10 GPU",
        "unheard of",
      ]) {
        const { device, kernels } = deduceKernels(sampleNetwork(3, index).graph, gpu);
        for (const kernel of kernels) {
          const features = listGpuFeatures(kernel.class);
          writeGpuFeatures(features, readGpuFacts(device, kernel), row, 0);
          for (let column = 0; column < features.length; column++)
            expect(row[column]! >= 0 && Number.isFinite(row[column]), features[column]!.name).toBe(true);
        }
      }
  });

  it("make stairs: whole tiles and waves stay while sizes grow, then jump", () => {
    const at = (filters: number) =>
      readAll((b, x) => b.conv(x, filters, 1), [1, 32, 32, 64], "PowerVR Rogue GE8320")[0]!.facts;
    // Slices are rounded up by tiles of four: 49 and 64 filters fill the same tiles.
    expect(tileFlops.read(at(49))).toBeCloseTo(tileFlops.read(at(64)), -1);
    expect(tileFlops.read(at(65))).toBeGreaterThan(1.2 * tileFlops.read(at(64)));
    expect(wholeWaves.read(at(49))).toBe(wholeWaves.read(at(64)));
    expect([outTail4.read(at(6)), outTail16.read(at(6))]).toEqual([8 / 6 - 1, 16 / 6 - 1]);
  });
});
