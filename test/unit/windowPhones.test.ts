import { describe, expect, it } from "vitest";
import type { Cluster, RunRequest, RunSummary } from "../../src-main/lab/contract.ts";
import { sumProgress } from "../../src-renderer/cells.ts";
import { tellProfiles } from "../../src-renderer/commandLine.ts";
import { composeCoreSet, listStray, pressCore, readCoreSet } from "../../src-renderer/coreSets.ts";
import {
  checkSigns,
  deviceSigns,
  findLesson,
  serverSigns,
  tellBattery,
  tellGpu,
  tellScreen,
} from "../../src-renderer/deviceSigns.ts";
import { defaultChoice, listPrecisions, requestRun, settleChoice } from "../../src-renderer/runChoices.ts";
import { findWaiting, nameWaiting, readTimeLeft } from "../../src-renderer/waiting.ts";
import { adbFound, describePhone, describeUnknownPhone } from "../e2e/scriptedPhones.ts";

const clusters: Cluster[] = [
  { name: "large", cpus: [7], maxMhz: 2841 },
  { name: "med", cpus: [4, 5, 6], maxMhz: 2419 },
  { name: "small", cpus: [0, 1, 2, 3], maxMhz: 1785 },
];

describe("core sets", () => {
  it("are composed of counts, with name and mask as the literature writes them", () => {
    expect(composeCoreSet(clusters, { small: 2, large: 1 })).toEqual({
      name: "1large+2small",
      mask: "0x83",
      cpus: [7, 0, 1],
    });
    expect(composeCoreSet(clusters, { med: 3 })?.mask).toBe("0x70");
    expect(composeCoreSet(clusters, { med: 0 })).toBeNull();
    // Masks go beyond 32 cores.
    expect(composeCoreSet([{ name: "core", cpus: [40], maxMhz: null }], { core: 1 })?.mask).toBe(
      "0x10000000000",
    );
  });

  it("take no core that is offline, and never more than there are", () => {
    expect(composeCoreSet(clusters, { small: 4 }, [0, 3])).toEqual({
      name: "2small",
      mask: "0x6",
      cpus: [1, 2],
    });
    expect(composeCoreSet(clusters, { large: 1 }, [7])).toBeNull();
  });

  it("are read back from their names", () => {
    expect(readCoreSet("1large+2small", clusters)).toEqual({ large: 1, small: 2 });
    for (const wrong of ["", "2large", "1huge", "0small", "1small+1small", "small", "1large+", "gpu"])
      expect(readCoreSet(wrong, clusters), wrong).toBeNull();
  });

  it("follow the blocks pressed: up to the block, or back from it", () => {
    expect(pressCore({}, "small", 2)).toEqual({ small: 3 });
    expect(pressCore({ small: 3 }, "small", 2)).toEqual({ small: 2 });
    expect(pressCore({ small: 3, large: 1 }, "small", 0)).toEqual({ small: 0, large: 1 });
    expect(pressCore({ small: 1 }, "small", 3)).toEqual({ small: 4 });
  });

  it("show offline cores that no cluster names", () => {
    const phone = describePhone("8AB", { phone: { offlineCpus: [3, 8, 9] } });
    expect(listStray(phone)).toEqual([8, 9]);
  });
});

describe("states of devices", () => {
  it("each have a word and a sign, and no two of a list the same words", () => {
    for (const signs of [deviceSigns, serverSigns, checkSigns]) {
      const words = Object.values(signs).map((sign) => sign.word);
      expect(new Set(words).size).toBe(words.length);
      expect(Object.values(signs).every((sign) => sign.sign.length === 1)).toBe(true);
    }
  });

  it("tell what is known of a phone and say so where nothing is", () => {
    const phone = describePhone("8AB");
    expect(tellBattery(phone.phone!)).toBe("81 %, charging, 27.1 °C");
    expect(tellScreen({ ...phone.phone!, lowPower: true, screenOn: false })).toBe("off, low power mode");
    expect(tellGpu(phone)).toBe("Adreno (TM) 640, OpenCL");
    expect(tellGpu({ ...phone, phone: { ...phone.phone!, openClLibrary: null } })).toBe(
      "Adreno (TM) 640, no OpenCL library found",
    );
    const unknown = describeUnknownPhone("R5", "unauthorized", "");
    expect([tellBattery(unknown.phone!), tellScreen(unknown.phone!), tellGpu(unknown)]).toEqual([
      "not readable",
      "not readable",
      "none that can be measured",
    ]);
  });

  it("lead to the lesson that is next: adb, a phone, a benchmark program", () => {
    const phone = describePhone("8AB", { phone: { binary: null } });
    const noAdb = { ...adbFound, path: null, problem: "There is no adb" };
    expect(findLesson([], null, false)).toBeNull();
    expect(findLesson([], noAdb, false)).toBe("adb");
    expect(findLesson([], { ...noAdb, problem: "switched off by LATENCY_LAB_ADB=none" }, false)).toBeNull();
    expect(findLesson([{ ...phone, state: "absent" }], adbFound, false)).toBe("phone");
    expect(findLesson([phone], adbFound, false)).toBe("binary");
    expect(findLesson([phone], adbFound, true)).toBeNull();
    expect(findLesson([describePhone("8AB")], adbFound, false)).toBeNull();
    expect(findLesson([describeUnknownPhone("R5", "unauthorized", "")], adbFound, false)).toBeNull();
  });
});

describe("choices of a run", () => {
  const phone = describePhone("8AB");
  const common = { models: ["a"], repetitions: 1, thoroughness: "quick" as const };

  it("settle on what the device has", () => {
    const usual = defaultChoice(phone);
    expect(usual).toEqual({ target: "cores", coreSets: ["1large"], runtime: "tflite", precision: "float32" });
    const gpu = settleChoice(phone, { ...usual, target: "gpu", precision: "float16" });
    expect(gpu).toMatchObject({ target: "gpu", runtime: "gpu-cl", precision: "float16" });
    // Half precision is the GPU's; going back to the cores leaves it.
    expect(settleChoice(phone, { ...gpu, target: "cores" })).toMatchObject({
      runtime: "tflite",
      precision: "float32",
    });
    expect(listPrecisions(phone, "cores")).toEqual(["float32", "int8"]);
    const noGpu = { ...phone, runtimes: phone.runtimes.filter((runtime) => runtime !== "gpu-cl") };
    expect(settleChoice(noGpu, gpu).target).toBe("cores");
  });

  it("keep composed core sets and drop what the device cannot give", () => {
    const choice = { ...defaultChoice(phone), coreSets: ["1large+2small", "5small", "1huge", "4small"] };
    expect(settleChoice(phone, choice).coreSets).toEqual(["1large+2small", "4small"]);
    const halved = describePhone("8AB", { coreSets: [], phone: { offlineCpus: [3] } });
    expect(settleChoice(halved, choice).coreSets).toEqual(["1large+2small"]);
  });

  it("become one run a device, and one line for all that are asked the same", () => {
    const other = describePhone("R58", { name: "Galaxy" });
    const cores = defaultChoice(phone);
    const gpu = settleChoice(other, { ...cores, target: "gpu" });
    const alike = [requestRun(phone, cores, common), requestRun(other, cores, common)];
    expect(tellProfiles(alike).map((words) => words.join(" "))).toEqual([
      "profile --device 8AB,R58 --cores 1large --precision float32 --runtime tflite --thoroughness quick a",
    ]);
    const different: RunRequest[] = [requestRun(phone, cores, common), requestRun(other, gpu, common)];
    expect(tellProfiles(different).map((words) => words.join(" "))).toEqual([
      "profile --device 8AB --cores 1large --precision float32 --runtime tflite --thoroughness quick a",
      "profile --device R58 --gpu --precision float32 --runtime gpu-cl --thoroughness quick a",
    ]);
  });
});

describe("what a run waits for", () => {
  it("is found behind the name of the cell", () => {
    expect(findWaiting("waiting for 8AB: it is offline")).toBe("waiting for 8AB: it is offline");
    expect(findWaiting("net on 8AB/1large/float32/tflite: cooling: battery 36 °C, about 2 min")).toBe(
      "cooling: battery 36 °C, about 2 min",
    );
    expect(findWaiting("waiting-net on 8AB/1large/float32/tflite: 30 of 50")).toBeNull();
    expect(findWaiting("net on 8AB/1large/float32/tflite")).toBeNull();
    expect(findWaiting("")).toBeNull();
  });

  it("is the same while its figures change, and tells the time left", () => {
    expect(nameWaiting("cooling: battery 36 °C, about 2 min")).toBe(nameWaiting("cooling: battery 35 °C"));
    expect(nameWaiting("waiting for 8AB: gone")).not.toBe(nameWaiting("cooling: battery 35 °C"));
    expect(readTimeLeft("cooling: battery 36 °C, about 2 min")).toBe(120_000);
    expect(readTimeLeft("cooling: battery 36 °C, about 30 s")).toBe(30_000);
    expect(readTimeLeft("cooling: battery 36 °C")).toBeNull();
  });
});

describe("runs that measure at once", () => {
  it("are summed, and the longest tells the time left", () => {
    const run = { cells: 10, done: 3, noisy: 1, failed: 2, etaMs: 1000 } as RunSummary;
    expect(sumProgress([run, { ...run, etaMs: 5000 }])).toEqual({
      cells: 20,
      ended: 12,
      failed: 4,
      etaMs: 5000,
    });
    expect(sumProgress([run, { ...run, etaMs: null }]).etaMs).toBeNull();
    expect(sumProgress([])).toEqual({ cells: 0, ended: 0, failed: 0, etaMs: null });
  });
});
