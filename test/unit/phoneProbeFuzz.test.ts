/** What phones print, cut off and changed at random: it never throws, hangs or gives a value that cannot be. */
import { describe, expect, it } from "vitest";
import { parseAllowedMask } from "../../src-main/device/affinity.ts";
import { parseBenchmarks } from "../../src-main/device/phoneProcesses.ts";
import { describePhone, probeSections } from "../../src-main/device/phoneProbe.ts";
import { parseTelemetry } from "../../src-main/device/phoneTelemetry.ts";
import { type Check, preflightChecks } from "../../src-main/device/preflightChecks.ts";
import { splitSections } from "../../src-main/device/shellSections.ts";
import type { Device } from "../../src-main/lab/contract.ts";
import { goldenPhones, listed, readGoldenPhone } from "./goldenPhones.ts";

/** Marsaglia's xorshift: the same texts every time. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const pieces = [
  "",
  " ",
  "\n",
  "\r\n",
  "\0",
  "]",
  "[",
  ": ",
  "=",
  ",",
  "-",
  "99999999999999999999",
  "-1",
  "NaN",
  "1e308",
  "0x",
  "..",
  "\u001b[2J",
  "\u202e",
  "\ud800",
  "__proto__",
  "constructor",
  "$(reboot)",
  "'; reboot;'",
  "{".repeat(50),
  "9".repeat(400),
  "0-999999",
  "0-1023",
  "Temperature{mValue=",
  "### ",
  "小",
];

function mutate(text: string, random: (below: number) => number): string {
  let changed = text;
  for (let times = 1 + random(6); times > 0; times--) {
    const at = random(changed.length + 1);
    const length = random(20);
    const piece = pieces[random(pieces.length)]!;
    const kind = random(5);
    if (kind === 0) changed = changed.slice(0, at);
    else if (kind === 1) changed = changed.slice(0, at) + piece + changed.slice(at);
    else if (kind === 2) changed = changed.slice(0, at) + piece + changed.slice(at + length);
    else if (kind === 3) changed = changed.slice(at) + changed.slice(0, at);
    else changed = changed.slice(0, at) + changed.slice(at, at + 200) + changed.slice(at);
  }
  return changed;
}

function within(value: number | null, lowest: number, highest: number): boolean {
  return value === null || (value >= lowest && value <= highest);
}

function expectPlausible(device: Device): void {
  const detail = device.phone!;
  const cpus = device.clusters.flatMap((cluster) => cluster.cpus);
  const wrong = [
    within(device.memoryBytes, 0, 2 ** 50),
    within(device.load, 0, 100_000),
    within(device.temperatureC, -50, 150),
    within(device.frequencyMhz, 1, 20_000),
    within(detail.batteryPercent, 0, 100),
    within(detail.batteryTemperatureC, -40, 120),
    within(detail.freeBytes, 0, 2 ** 50),
    within(detail.sdk, 1, 10_000),
    detail.abis.length <= 8,
    cpus.every((cpu) => Number.isInteger(cpu) && cpu >= 0 && cpu <= 1023),
    new Set(cpus).size === cpus.length,
    cpus.every((cpu) => !detail.offlineCpus.includes(cpu)),
    device.clusters.every(({ maxMhz }) => within(maxMhz, 10, 20_000)),
    new Set(device.clusters.map(({ name }) => name)).size === device.clusters.length,
    device.coreSets.length <= 2500,
    device.coreSets.every(({ mask, cpus: set }) => /^0x[0-9a-f]+$/.test(mask) && set.length > 0),
    [
      device.name,
      device.soc,
      device.gpu ?? "",
      device.abi,
      device.os,
      detail.fingerprint ?? "",
      detail.model ?? "",
    ].every(
      // eslint-disable-next-line no-control-regex
      (text) => text.length <= 250 && !/[\u0000-\u001f\u007f\u202e]/.test(text) && text.isWellFormed(),
    ),
  ].map((right, index) => (right ? null : index));
  expect(wrong.filter((index) => index !== null)).toEqual([]);
}

const names = Object.keys(probeSections);

function judge(check: Check, said: (name: string) => string): void {
  const found = check.judge(said, {
    coreSets: [{ name: "1core", mask: "0x1", cpus: [0] }],
    startTemperatureC: 35,
    checkBinary: () => Promise.reject(new Error("not asked")),
  });
  expect(["ok", "warning", "failed", "unknown"]).toContain(found.state);
}

describe("texts of phones", () => {
  it.each(goldenPhones)("%s, changed at random 400 times", (name) => {
    const golden = readGoldenPhone(name);
    const random = makeRandom(20_260_301 + name.length * 7919 + name.charCodeAt(0));
    for (let round = 0; round < 400; round++) {
      const sections = new Map(
        [...golden].map(([key, text]) => [key, random(3) ? mutate(text, random) : text]),
      );
      expectPlausible(describePhone(listed, sections));
      for (const check of preflightChecks)
        judge(check, (key) => sections.get(key) ?? mutate("Cpus_allowed:\tff\nexit 0", random));
    }
  });

  it.each(goldenPhones)("%s, cut off anywhere", (name) => {
    const golden = readGoldenPhone(name);
    for (const [key, text] of golden)
      for (let end = 0; end < text.length; end += Math.max(1, Math.floor(text.length / 60)))
        expectPlausible(describePhone(listed, new Map([...golden, [key, text.slice(0, end)]])));
  });

  it("in the wrong place are not taken for something else", () => {
    const random = makeRandom(7);
    const texts = goldenPhones.flatMap((name) => [...readGoldenPhone(name).values()]);
    for (let round = 0; round < 300; round++)
      expectPlausible(
        describePhone(listed, new Map(names.map((name) => [name, texts[random(texts.length)]!]))),
      );
  });

  it("that are long and repeat themselves take no time worth naming", () => {
    const long = [
      ...[
        "[",
        "[a.b]: [",
        "9",
        "f",
        "cpu 1 ",
        "Cpus_allowed: f,f",
        " a: b",
        "0-1023 ",
        "PID ARGS ",
        "GLES: a, ",
      ],
      ...["x\n", "\n", " ", "a ", "mPowerState=", "m", "a.b:", "/cpu1/"],
    ];
    for (const start of ["", "a", "cpu  ", "Cpus_allowed:\t", "[a.b]: [", "processor"])
      for (const piece of long) {
        const text = start + piece.repeat(Math.ceil(50_000 / piece.length));
        const started = process.cpuUsage();
        expectPlausible(describePhone(listed, new Map(names.map((name) => [name, text]))));
        for (const check of preflightChecks) judge(check, () => text);
        parseTelemetry(text);
        parseBenchmarks(text);
        parseAllowedMask(text);
        splitSections(text, "@@m");
        const { user, system } = process.cpuUsage(started);
        // Far above what it takes (some 0.05 s), far below what a pattern takes that goes back and forth.
        expect((user + system) / 1e6).toBeLessThan(5);
      }
  });
});
