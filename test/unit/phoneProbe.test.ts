import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { probePhone } from "../../src-main/device/phoneProbe.ts";
import { parseTelemetry, telemetryCommand } from "../../src-main/device/phoneTelemetry.ts";
import { cleanText } from "../../src-main/device/phoneText.ts";
import {
  describePhoneName,
  describeSoc,
  parseProperties,
  readAbis,
} from "../../src-main/device/properties.ts";
import { parseFreeSpace, parseMemTotal } from "../../src-main/device/phoneMemory.ts";
import { compareCpuTimes, parseCpuTimes, parseLoad } from "../../src-main/device/phoneLoad.ts";
import { joinSections, runSections, splitSections } from "../../src-main/device/shellSections.ts";
import type { Device, PhoneDetail } from "../../src-main/lab/contract.ts";
import { phoneLost, phoneRefused } from "../../src-main/lab/phoneErrors.ts";
import { TablePhone, goldenPhones, listed, readGoldenPhone } from "./goldenPhones.ts";

type Expected = Omit<Partial<Device>, "clusters" | "coreSets" | "phone"> & {
  clusters: [name: string, cpus: number[], maxMhz: number | null][];
  coreSetCount: number;
  phone: Partial<PhoneDetail>;
};

const both = ["tflite", "xnnpack", "gpu-cl"] as Device["runtimes"];

const expected: Record<string, Expected> = {
  pixel: {
    name: "Google Pixel 8 Pro",
    soc: "Google Tensor G3",
    gpu: "Mali-G715",
    abi: "arm64-v8a",
    os: "Android 14 (API 34)",
    memoryBytes: 11895252 * 1024,
    clusters: [
      ["large", [8], 2914],
      ["med", [4, 5, 6, 7], 2367],
      ["small", [0, 1, 2, 3], 1704],
    ],
    coreSetCount: 49,
    runtimes: both,
    precisions: ["float32", "float16", "int8"],
    load: 1.92,
    temperatureC: 26.8,
    frequencyMhz: (4 * 324 + 4 * 402 + 500) / 9,
    phone: {
      manufacturer: "Google",
      model: "Pixel 8 Pro",
      androidVersion: "14",
      sdk: 34,
      fingerprint: "google/husky/husky:14/UQ1A.240105.004/11206848:user/release-keys",
      abis: ["arm64-v8a"],
      offlineCpus: [],
      openClLibrary: "/vendor/lib64/libOpenCL-pixel.so",
      thermalStatus: "none",
      batteryPercent: 80,
      batteryTemperatureC: 26.8,
      // Plugged in, but kept at 80 %.
      charging: false,
      screenOn: true,
      lowPower: false,
      freeBytes: 70081764 * 1024,
      binary: null,
    },
  },
  samsung: {
    name: "Samsung SM-S901B",
    soc: "Samsung s5e9925",
    gpu: "Samsung Xclipse 920",
    clusters: [
      ["large", [7], 2803.2],
      ["med", [4, 5, 6], 2515.2],
      ["small", [0, 1, 2, 3], 1824],
    ],
    coreSetCount: 39,
    runtimes: both,
    temperatureC: 31.7,
    phone: {
      manufacturer: "samsung",
      abis: ["arm64-v8a", "armeabi-v7a", "armeabi"],
      openClLibrary: "/vendor/lib64/libOpenCL.so",
      thermalStatus: "light",
      batteryPercent: 74,
      batteryTemperatureC: 31.7,
      charging: false,
      screenOn: false,
      lowPower: false,
      freeBytes: 212512644 * 1024,
    },
  },
  xiaomi: {
    name: "Xiaomi 小米 9",
    soc: "msmnile",
    gpu: "Adreno (TM) 640",
    // The fastest core is switched off, and the others keep their names.
    clusters: [
      ["med", [4, 5, 6], 2419.2],
      ["small", [0, 1, 2, 3], 1785.6],
    ],
    coreSetCount: 19,
    temperatureC: 41.2,
    phone: {
      model: "MI 9",
      offlineCpus: [7],
      thermalStatus: "moderate",
      batteryPercent: 45,
      charging: true,
      screenOn: true,
      lowPower: true,
    },
  },
  mediatek: {
    name: "Vivo 1906",
    soc: "mt6765",
    gpu: "PowerVR Rogue GE8320",
    clusters: [
      ["large", [0, 1, 2, 3], 2301],
      ["small", [4, 5, 6, 7], 1800],
    ],
    coreSetCount: 24,
    frequencyMhz: null,
    temperatureC: 29,
    phone: {
      thermalStatus: null,
      batteryPercent: 100,
      charging: true,
      screenOn: true,
      freeBytes: 15182436 * 1024,
    },
  },
  board: {
    name: "Raspberry Pi 4",
    soc: "rpi4",
    gpu: "V3D 4.2",
    abi: "armeabi-v7a",
    os: "Android 11 (API 30)",
    clusters: [["core", [0, 1, 2, 3], null]],
    coreSetCount: 4,
    runtimes: ["tflite", "xnnpack"],
    precisions: ["float32", "int8"],
    temperatureC: null,
    phone: {
      fingerprint: null,
      abis: ["armeabi-v7a", "armeabi"],
      openClLibrary: null,
      thermalStatus: "none",
      batteryPercent: null,
      batteryTemperatureC: null,
      charging: null,
      screenOn: null,
      lowPower: null,
      freeBytes: null,
    },
  },
  old: {
    name: "LGE Nexus 5",
    soc: "msm8974",
    gpu: "Adreno (TM) 330",
    abi: "armeabi-v7a",
    os: "Android 5.1.1 (API 22)",
    clusters: [["core", [0, 1], 2265.6]],
    coreSetCount: 2,
    frequencyMhz: 745.2,
    phone: {
      abis: ["armeabi-v7a", "armeabi"],
      offlineCpus: [2, 3],
      openClLibrary: "/vendor/lib/libOpenCL.so",
      batteryPercent: 57,
      batteryTemperatureC: 33.1,
      screenOn: true,
      lowPower: false,
      freeBytes: Math.round(15.5 * 1024 ** 3),
    },
  },
  fourClusters: {
    name: "OnePlus 12",
    soc: "Qualcomm SM8650",
    gpu: "Adreno (TM) 750",
    clusters: [
      ["large", [7], 3302.4],
      ["med", [2, 3, 4], 3148.8],
      ["small", [5, 6], 2956.8],
      ["tiny", [0, 1], 2265.6],
    ],
    // 71 combinations are too many: 8 of one cluster, 7 of the fastest cores.
    coreSetCount: 15,
    temperatureC: -1.5,
    phone: { batteryPercent: 90, batteryTemperatureC: -1.5, screenOn: true, lowPower: false },
  },
};

describe("probing a phone", () => {
  it("has an expectation of each described phone", () => {
    expect(Object.keys(expected).sort()).toEqual(goldenPhones);
  });

  it.each(goldenPhones)("%s is known in one round trip", async (name) => {
    const phone = new TablePhone(readGoldenPhone(name));
    const device = await probePhone(phone, listed);
    expect(phone.asked.length).toBe(1);
    const { clusters, coreSetCount, phone: detail, frequencyMhz, ...rest } = expected[name]!;
    expect(device.clusters.map((cluster) => [cluster.name, cluster.cpus, cluster.maxMhz])).toEqual(clusters);
    expect(device.coreSets.length).toBe(coreSetCount);
    expect(device).toMatchObject({ ...rest, phone: detail });
    if (typeof frequencyMhz === "number") expect(device.frequencyMhz).toBeCloseTo(frequencyMhz, 6);
    expect(device).toMatchObject({ id: listed.id, kind: "adb", state: "ready", problem: null });
    expect(device.phone).toMatchObject({ serial: listed.serial, server: listed.server });
  });

  it("knows little of a phone that tells nothing, and says nothing wrong of it", async () => {
    const device = await probePhone(new TablePhone(new Map()), listed);
    expect(device).toMatchObject({
      name: "Some Model",
      soc: "unknown",
      abi: "unknown",
      os: "Android",
      gpu: null,
      memoryBytes: 0,
      clusters: [],
      coreSets: [],
      load: null,
      temperatureC: null,
    });
  });

  it("keeps what was answered before something hung", async () => {
    const sections = new Map<string, string | Error>(readGoldenPhone("pixel"));
    sections.set("battery", phoneRefused("R5CT", "answer in time", "timeout"));
    const device = await probePhone(new TablePhone(sections), listed);
    expect(device).toMatchObject({ name: "Google Pixel 8 Pro", phone: { sdk: 34, batteryPercent: null } });
    expect(device.coreSets.length).toBe(49);
  });

  it("rejects when the phone is lost, or refuses everything", async () => {
    const lost = new TablePhone(new Map([["battery", phoneLost("R5CT", "asking")]]));
    await expect(probePhone(lost, listed)).rejects.toMatchObject({ code: "phone-lost" });
    const silent = new TablePhone(new Map());
    silent.run = () => Promise.reject(phoneRefused("R5CT", "run", "closed"));
    await expect(probePhone(silent, listed)).rejects.toMatchObject({ code: "phone-refused" });
  });

  it("lets no text of the phone through that is long or moves the cursor", async () => {
    const sections = readGoldenPhone("pixel");
    const hostile = `\u001b[31mred\u0007 \u202Egnp ${"x".repeat(5000)}`;
    sections.set("properties", `[ro.product.model]: [${hostile}]\n[ro.soc.model]: [${hostile}]`);
    sections.set("gles", `GLES: Vendor, ${hostile}, OpenGL ES 3.2`);
    const device = await probePhone(new TablePhone(sections), listed);
    for (const text of [device.name, device.soc, device.gpu, device.phone!.model]) {
      expect(text!.length).toBeLessThanOrEqual(120);
      // eslint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u001f\u007f\u202e]/);
    }
  });
});

describe("sections of one question", () => {
  it("are taken apart whatever they hold", () => {
    const text = "noise\n@@m a\nfirst\nline without end\n@@m b\r\n\r\n@@m c\n@@mx d\n@@m end\n";
    expect([...splitSections(text, "@@m")]).toEqual([
      ["a", "first\nline without end"],
      ["b", ""],
      ["c", "@@mx d"],
      ["end", ""],
    ]);
  });

  it("print what their commands print, one that is missing included", () => {
    const command = joinSections(
      { a: "printf x", b: "no-such-program-here", c: "printf 'y\\n\\n'", d: "cat" },
      "@@m",
    );
    const printed = execFileSync("/bin/sh", ["-c", command], { encoding: "utf8", input: "not for them" });
    expect([...splitSections(printed, "@@m")]).toEqual([
      ["a", "x"],
      ["b", ""],
      ["c", "y\n"],
      ["d", ""],
      ["end", ""],
    ]);
  });

  it("have a mark of their own each time", async () => {
    const phone = new TablePhone(new Map([["a", "1"]]));
    await runSections(phone, { a: "true" });
    await runSections(phone, { a: "true" });
    expect(phone.asked[0]).not.toBe(phone.asked[1]);
    expect(joinSections({ a: "x" }, "@@m")).toContain("{ x; } </dev/null 2>/dev/null");
  });
});

describe("properties", () => {
  it("are read over several lines, cut off, and without brackets", () => {
    const text = [
      "[a.b]: [one]",
      "[multi.line]: [first",
      "second ] not the end",
      "third]",
      "[cut.off]: [never closed",
      "[after.cut]: [x]",
      "bare.colon: yes",
      "bare.equals=no",
      "no sense at all",
      "[a.b]: [later]",
      "[last.one]: [half",
    ].join("\r\n");
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      "a.b": "one",
      "multi.line": "first\nsecond ] not the end\nthird",
      "cut.off": "never closed",
      "after.cut": "x",
      "bare.colon": "yes",
      "bare.equals": "no",
      "last.one": "half",
    });
  });

  const from = (entries: Record<string, string>) => new Map(Object.entries(entries));

  it("name a phone as people do", () => {
    const name = (manufacturer: string, model: string) =>
      describePhoneName(from({ "ro.product.manufacturer": manufacturer, "ro.product.model": model }));
    expect(name("samsung", "SM-G991B")).toBe("Samsung SM-G991B");
    expect(name("OnePlus", "ONEPLUS A6003")).toBe("ONEPLUS A6003");
    expect(name("motorola", "motorola one")).toBe("Motorola one");
    expect(describePhoneName(from({}))).toBeNull();
  });

  it("name the chip by the most exact of them", () => {
    expect(
      describeSoc(
        from({ "ro.board.platform": "kona", "ro.soc.model": "SM8250", "ro.soc.manufacturer": "QTI" }),
        null,
      ),
    ).toBe("Qualcomm SM8250");
    expect(describeSoc(from({ "ro.hardware": "qcom", "ro.product.board": "msm8996" }), "other")).toBe(
      "msm8996",
    );
    expect(describeSoc(from({ "ro.hardware": "qcom" }), "Qualcomm APQ8064")).toBe("Qualcomm APQ8064");
    expect(describeSoc(from({ "ro.hardware": "qcom" }), null)).toBe("qcom");
    expect(describeSoc(from({ "ro.soc.model": "unknown" }), null)).toBeNull();
  });

  it("list ABIs once, best first, and nothing that is none", () => {
    expect(
      readAbis(
        from({
          "ro.product.cpu.abi": "arm64-v8a",
          "ro.product.cpu.abilist": "arm64-v8a, armeabi-v7a,;rm -rf,../x",
        }),
      ),
    ).toEqual(["arm64-v8a", "armeabi-v7a"]);
  });
});

describe("memory and space", () => {
  it("reads memory", () => {
    expect(parseMemTotal("MemTotal:        1024 kB\nMemFree: 3 kB")).toBe(1048576);
    expect(parseMemTotal("MemFree: 3 kB")).toBeNull();
  });

  it.each([
    ["Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 10 3 7 30% /data", 7 * 1024],
    ["Filesystem 512-blocks Used Avail Capacity Mounted on\n/dev/x 10 3 7 30% /data", 7 * 512],
    ["Filesystem 1M-blocks Used Available Use% Mounted on\n/dev/x 10 3 7 30% /data", 7 * 1024 ** 2],
    ["Filesystem      Size Used Avail Use% Mounted on\n/dev/x 10G 3G 512M 30% /data", 512 * 1024 ** 2],
    ["Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 10 10 0 100% /data", 0],
    ["df: /data: Permission denied", null],
    ["Filesystem 1K-blocks Used Available Use% Mounted on\n", null],
    ["Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 10 - - -", null],
    ["", null],
  ])("reads free space of %j", (text, bytes) => {
    expect(parseFreeSpace(text)).toBe(bytes);
  });
});

describe("load", () => {
  it("reads averages and the share of time between two readings", () => {
    expect(parseLoad("1.25 1 1 2/3 4\n")).toBe(1.25);
    expect(parseLoad("Permission denied")).toBeNull();
    const before = parseCpuTimes("cpu  100 0 100 800 0 0 0 0 0 0");
    const after = parseCpuTimes("cpu  150 0 150 1650 50 0 0 0 0 0");
    expect(compareCpuTimes(before, after)).toBeCloseTo(0.1);
    expect(compareCpuTimes(before, before)).toBeNull();
    expect(compareCpuTimes(null, after)).toBeNull();
    expect(parseCpuTimes("cpu0 1 2 3 4")).toBeNull();
  });
});

describe("telemetry", () => {
  const now = new Date("2026-03-01T12:00:00Z");
  function answer(sections: Record<string, string>): string {
    const marks = [...telemetryCommand([0]).matchAll(/echo '(@@\S+) (\w+)'/g)];
    return marks.map(([, mark, name]) => `\n${mark} ${name}\n${sections[name!] ?? ""}`).join("");
  }

  it("asks only the given cores and no process but the thermal service where files tell", () => {
    const command = telemetryCommand([4, 7]);
    expect(command).toContain("for c in 4 7;");
    expect(command).not.toContain("\n");
    expect(telemetryCommand([-1, NaN, 3])).toContain("for c in 3;");
  });

  it("reads what files say, and the battery service where its file is closed", () => {
    const thermal = readGoldenPhone("pixel").get("thermal")!;
    expect(
      parseTelemetry(
        answer({ frequency: "1000000\n\n2000000\n", load: "3.5 1 1 1/2 3\n", battery: "305\n", thermal }),
        now,
      ),
    ).toEqual({
      at: "2026-03-01T12:00:00.000Z",
      frequencyMhz: 1500,
      temperatureC: 30.5,
      batteryTemperatureC: 30.5,
      cpuTemperatureC: 38.5,
      thermalStatus: "none",
      load: 3.5,
    });
    const battery = readGoldenPhone("xiaomi").get("battery")!;
    expect(parseTelemetry(answer({ battery }), now)).toMatchObject({
      batteryTemperatureC: 41.2,
      frequencyMhz: null,
    });
  });

  it("goes by skin or cores for show where there is no battery, which pacing does not", () => {
    const thermal = "Thermal Status: 3\nTemperature{mValue=66.0, mType=0, mName=cpu, mStatus=0}";
    expect(parseTelemetry(answer({ thermal, battery: "" }), now)).toMatchObject({
      temperatureC: 66,
      batteryTemperatureC: null,
      thermalStatus: "severe",
    });
  });

  it("is null throughout for anything else", () => {
    expect(parseTelemetry("sh: syntax error", now)).toEqual({
      at: "2026-03-01T12:00:00.000Z",
      frequencyMhz: null,
      temperatureC: null,
      batteryTemperatureC: null,
      cpuTemperatureC: null,
      thermalStatus: null,
      load: null,
    });
  });
});

describe("text of a phone", () => {
  it("is one line, printable and short", () => {
    expect(cleanText("a\u0000b\r\n\tc\u200fd")).toBe("a b c d");
    expect(cleanText("x".repeat(500), 10)).toBe(`${"x".repeat(9)}…`);
    expect(cleanText(`${"x".repeat(8)}😀😀😀`, 10).isWellFormed()).toBe(true);
    expect(cleanText("小米 9")).toBe("小米 9");
  });
});
