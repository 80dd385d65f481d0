import { describe, expect, it } from "vitest";
import { type Core, formatMask, groupClusters, listCoreSets } from "../../src-main/device/cores.ts";
import { describeHost, parseCpuList } from "../../src-main/device/host.ts";
import { formatScenario, parseScenario } from "../../src-main/device/scenario.ts";

function listCores(...mhz: (number | null)[]): Core[] {
  return mhz.map((maxMhz, cpu) => ({ cpu, maxMhz, physical: `cpu${cpu}` }));
}

describe("clusters", () => {
  it("makes one cluster of equal cores, also when their frequency is not told", () => {
    expect(groupClusters(listCores(null, null))).toEqual([{ name: "core", cpus: [0, 1], maxMhz: null }]);
    expect(groupClusters(listCores(4700, 4600, 4700)).length).toBe(1);
  });

  it("names performance and efficiency cores large and small, and a phone's three kinds", () => {
    const desktop = groupClusters(listCores(5000, 5000, 3800, 3800, 3800));
    expect(desktop.map((cluster) => [cluster.name, cluster.cpus])).toEqual([
      ["large", [0, 1]],
      ["small", [2, 3, 4]],
    ]);
    // The 1+3+4 layout of a Snapdragon 855: the fastest core has the highest number.
    const phone = groupClusters(listCores(1785, 1785, 1785, 1785, 2419, 2419, 2419, 2841));
    expect(phone.map((cluster) => [cluster.name, cluster.cpus])).toEqual([
      ["large", [7]],
      ["med", [4, 5, 6]],
      ["small", [0, 1, 2, 3]],
    ]);
  });

  it("takes one hardware thread of each physical core before the second ones", () => {
    const cores = [0, 1, 2, 3].map((cpu) => ({ cpu, maxMhz: 3000, physical: `core${cpu >> 1}` }));
    expect(groupClusters(cores)[0]!.cpus).toEqual([0, 2, 1, 3]);
  });
});

describe("core sets", () => {
  it("lists every count of a small machine with its mask", () => {
    const sets = listCoreSets(groupClusters(listCores(null, null)));
    expect(sets).toEqual([
      { name: "1core", mask: "0x1", cpus: [0] },
      { name: "2core", mask: "0x3", cpus: [0, 1] },
    ]);
  });

  it("names a phone's sets as in the literature", () => {
    const sets = listCoreSets(groupClusters(listCores(1785, 1785, 1785, 1785, 2419, 2419, 2419, 2841)));
    const masks = new Map(sets.map((set) => [set.name, set.mask]));
    expect(masks.get("1large")).toBe("0x80");
    expect(masks.get("3med")).toBe("0x70");
    expect(masks.get("4small")).toBe("0xf");
    expect(masks.get("1large+3med")).toBe("0xf0");
    expect(masks.get("1large+3med+4small")).toBe("0xff");
  });

  it("thins out the counts of a machine with many cores", () => {
    const names = listCoreSets(groupClusters(listCores(...Array.from({ length: 96 }, () => 3000)))).map(
      (s) => s.name,
    );
    expect(names).toEqual(
      ["1", "2", "3", "4", "5", "6", "7", "8", "16", "32", "64", "96"].map((n) => `${n}core`),
    );
  });

  it("writes masks of CPUs beyond 64", () => {
    expect(formatMask([70])).toBe(`0x4${"0".repeat(17)}`);
  });
});

describe("this computer", () => {
  it("has at least one core set whose CPUs are allowed, and says what it is", () => {
    const device = describeHost({ version: "2.9.0", problem: null });
    expect(device.coreSets[0]).toMatchObject({
      name: expect.stringMatching(/^1/),
      mask: expect.stringMatching(/^0x/),
    });
    expect(device.soc).not.toBe("");
    expect(device.memoryBytes).toBeGreaterThan(1e8);
    expect(device.state).toBe("ready");
    expect(describeHost({ version: null, problem: "none" })).toMatchObject({
      state: "unavailable",
      problem: "none",
    });
  });

  it("reads the kernel's CPU lists", () => {
    expect(parseCpuList(" 0-2,5\n")).toEqual([0, 1, 2, 5]);
    expect(parseCpuList("x")).toEqual([]);
  });
});

describe("scenario ids", () => {
  it("are read and written without loss, also with slashes in the device", () => {
    for (const id of [
      "host/1core/float32/tflite",
      "lab/7/pixel4/1large+1med/int8/tflite",
      "p/gpu/float16/gpu-cl",
    ])
      expect(formatScenario(parseScenario(id))).toBe(id);
  });

  it.each([
    "host/1core/float32",
    "host//float32/tflite",
    "host/1core/float64/tflite",
    "host/1core/int8/onnx",
    "",
  ])("refuses %j in one line", (id) => {
    expect(() => parseScenario(id)).toThrow(expect.objectContaining({ code: "bad-request" }));
  });
});
