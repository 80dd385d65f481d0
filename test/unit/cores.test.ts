import { describe, expect, it } from "vitest";
import {
  type Core,
  composeCoreSet,
  formatMask,
  formatPhoneMask,
  groupClusters,
  listCoreSets,
  listPhoneCoreSets,
} from "../../src-main/device/cores.ts";
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

describe("core sets of a phone", () => {
  /** Clusters of so many cores, fastest first and with the highest numbers, as phones have them. */
  function listClusters(...sizes: number[]) {
    const names =
      sizes.length === 1
        ? ["core"]
        : sizes.length === 2
          ? ["large", "small"]
          : ["large", "med", "small", "tiny"];
    let next = sizes.reduce((sum, size) => sum + size, 0);
    return sizes.map((size, index) => {
      next -= size;
      return { name: names[index]!, cpus: Array.from({ length: size }, (_, at) => next + at), maxMhz: null };
    });
  }

  it.each([
    [[1, 3, 4], 39],
    [[2, 2, 4], 44],
    [[4, 4], 24],
    [[2, 6], 20],
    [[4], 4],
    [[8], 8],
    // 71 combinations: 8 of one cluster and 7 of several.
    [[1, 3, 2, 2], 15],
    [[], 0],
  ])("of %j are %i, each once", (sizes, count) => {
    const sets = listPhoneCoreSets(listClusters(...sizes));
    expect(sets.length).toBe(count);
    expect(new Set(sets.map(({ name }) => name)).size).toBe(count);
    expect(new Set(sets.map(({ mask }) => mask)).size).toBe(count);
  });

  it("of 1+3+4 cores are those of the literature, those of one cluster first", () => {
    const sets = listPhoneCoreSets(listClusters(1, 3, 4));
    expect(sets.slice(0, 8).map(({ name }) => name)).toEqual([
      "1large",
      "1med",
      "2med",
      "3med",
      "1small",
      "2small",
      "3small",
      "4small",
    ]);
    const masks = new Map(sets.map(({ name, mask }) => [name, mask]));
    expect(masks.get("1large+1med")).toBe("0x90");
    expect(masks.get("2med+4small")).toBe("0x3f");
    expect(masks.get("1large+3med+4small")).toBe("0xff");
    expect(sets.at(-1)!.name).toBe("1large+3med+4small");
    expect(sets.find(({ name }) => name === "1large+2small")).toEqual({
      name: "1large+2small",
      mask: "0x83",
      cpus: [7, 0, 1],
    });
  });

  it("of many clusters take the fastest cores one more at a time", () => {
    const names = listPhoneCoreSets(listClusters(1, 3, 2, 2)).map(({ name }) => name);
    expect(names.slice(8)).toEqual([
      "1large+1med",
      "1large+2med",
      "1large+3med",
      "1large+3med+1small",
      "1large+3med+2small",
      "1large+3med+2small+1tiny",
      "1large+3med+2small+2tiny",
    ]);
  });

  it("are composed by name, in the usual order", () => {
    const clusters = listClusters(1, 3, 4);
    expect(composeCoreSet(clusters, "2small+1large")).toEqual({
      name: "1large+2small",
      mask: "0x83",
      cpus: [7, 0, 1],
    });
    for (const set of listPhoneCoreSets(clusters)) expect(composeCoreSet(clusters, set.name)).toEqual(set);
    const four = listClusters(1, 3, 2, 2);
    expect(composeCoreSet(four, "1tiny+2med")?.name).toBe("2med+1tiny");
  });

  it.each([
    "2large",
    "0med",
    "1huge",
    "1large+1large",
    "large",
    "1",
    "",
    "1large+",
    "-1med",
    "01med",
    "1e0med",
    "9".repeat(400),
  ])("does not compose %j", (name) => {
    expect(composeCoreSet(listClusters(1, 3, 4), name)).toBeNull();
  });

  it("have masks without 0x for a phone's taskset", () => {
    expect(formatPhoneMask([7, 4])).toBe("90");
    expect(formatPhoneMask([0, 1, 2, 3, 4, 5, 6, 7])).toBe("ff");
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
