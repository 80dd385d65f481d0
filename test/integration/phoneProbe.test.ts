/** Knowing and readying phones over the real adb server: each described phone's shell runs the questions for real. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PhoneConnection } from "../../src-main/device/phoneConnection.ts";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import { probePhone } from "../../src-main/device/phoneProbe.ts";
import { parseBenchmarks, processesCommand } from "../../src-main/device/phoneProcesses.ts";
import { Phones } from "../../src-main/device/phones.ts";
import { parseTelemetry, telemetryCommand } from "../../src-main/device/phoneTelemetry.ts";
import { runPreflight } from "../../src-main/device/preflight.ts";
import type { PreflightOptions } from "../../src-main/device/preflightChecks.ts";
import { applyRemedy, setFixedPerformance } from "../../src-main/device/remedies.ts";
import type { Device, PreflightCheck } from "../../src-main/lab/contract.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone } from "../fake/phone.ts";
import { listProfiles } from "../fake/phoneProfile.ts";

let server: AdbServer;
let phones: Phones;
const opened: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startAdbServer();
  phones = new Phones({ env: server.environment() });
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});
afterAll(async () => {
  await phones.close();
  await server.stop();
});

async function open(
  profile: string,
): Promise<{ phone: FakePhone; connection: PhoneConnection; device: Device }> {
  const phone = await FakePhone.start({ profile });
  opened.push(async () => {
    await server.disconnect(phone.serial);
    await phone.stop();
  });
  await server.connect(phone.serial);
  const listed = await phones.waitFor(phone.serial, { patienceMs: 20_000 });
  opened.push(() => listed.close());
  const device = await probePhone(listed, phones.resolve(phone.serial)!);
  return { phone, connection: listed, device };
}

const expected: Record<string, Record<string, unknown>> = {
  board: {
    name: "Acme Board 4",
    soc: "gxl",
    gpu: null,
    abi: "armeabi-v7a",
    os: "Android 7.1.2 (API 25)",
    shape: "4core 0xf",
    coreSets: 4,
    runtimes: ["tflite", "xnnpack"],
    thermal: null,
  },
  exynos9820: {
    name: "Galactic GX 10",
    soc: "exynos9820",
    gpu: "Mali-G76",
    abi: "arm64-v8a",
    os: "Android 10 (API 29)",
    shape: "2large+2med+4small 0xff",
    coreSets: 44,
    thermal: "none",
  },
  helioP35: { soc: "mt6765", shape: "4large+4small 0xff", coreSets: 24 },
  snapdragon710: { soc: "sdm710", gpu: "Adreno (TM) 616", shape: "2large+6small 0xff", coreSets: 20 },
  snapdragon845offline: {
    soc: "sdm845",
    gpu: "Adreno (TM) 630",
    shape: "2large+4small 0x3f",
    offline: [6, 7],
    coreSets: 14,
  },
  snapdragon855: {
    shape: "1large+3med+4small 0xff",
    coreSets: 39,
    runtimes: ["tflite", "xnnpack", "gpu-cl"],
  },
  snapdragon8gen3: {
    soc: "Qualcomm SM8650",
    gpu: "Adreno (TM) 750",
    // 3.15 and 2.96 GHz are two clusters.
    shape: "1large+3med+2small+2tiny 0xff",
    coreSets: 15,
  },
};

describe("a described phone", () => {
  it("is expected here", () => {
    expect(Object.keys(expected).sort()).toEqual([...listProfiles()].sort());
  });

  it.each(Object.keys(expected))("%s is known", async (profile) => {
    const { phone, connection, device } = await open(profile);
    const whole = device.coreSets.at(-1)!;
    expect({
      name: device.name,
      soc: device.soc,
      gpu: device.gpu,
      abi: device.abi,
      os: device.os,
      shape: `${whole.name} ${whole.mask}`,
      coreSets: device.coreSets.length,
      runtimes: device.runtimes,
      thermal: device.phone!.thermalStatus,
      offline: device.phone!.offlineCpus,
    }).toMatchObject({ offline: [], ...expected[profile] });
    expect(device.memoryBytes).toBe(phone.profile.memoryKb * 1024);
    expect(device.phone).toMatchObject({ serial: phone.serial, screenOn: true, lowPower: false });
    expect(device.phone!.freeBytes).toBeGreaterThan(1e9);
    expect(device.phone!.batteryTemperatureC).toBeCloseTo(phone.profile.temperatureC, 1);

    const told = await connection.run(telemetryCommand(whole.cpus));
    const telemetry = parseTelemetry(told.stdout);
    expect(telemetry.batteryTemperatureC).toBeCloseTo(phone.profile.temperatureC, 1);
    expect(telemetry.load).not.toBeNull();
    expect(telemetry.frequencyMhz === null).toBe(!phone.profile.cpufreq);
    phone.setTemperature(39.5);
    phone.setThermalStatus(2);
    const hot = parseTelemetry((await connection.run(telemetryCommand(whole.cpus))).stdout);
    expect(hot.batteryTemperatureC).toBeCloseTo(39.5, 1);
    expect(hot.thermalStatus).toBe(phone.profile.thermal === null ? null : "moderate");
  });
});

const binary: PreflightCheck = {
  id: "binary",
  title: "Benchmark program",
  state: "ok",
  detail: "there",
  remedy: null,
  action: null,
};

function makeOptions(device: Device): PreflightOptions {
  return { coreSets: device.coreSets, startTemperatureC: 35, checkBinary: () => Promise.resolve(binary) };
}

async function check(
  connection: PhoneConnection,
  options: PreflightOptions,
): Promise<Map<string, PreflightCheck>> {
  return new Map((await runPreflight(connection, options)).map((one) => [one.id, one]));
}

describe("the preflight", () => {
  it("of a phone as it comes stops nothing, and its cores are really taken", async () => {
    const { connection, device } = await open("snapdragon855");
    const found = await check(connection, makeOptions(device));
    expect([...found.values()].filter(({ state }) => state === "failed")).toEqual([]);
    for (const id of [
      "core-mask",
      "space",
      "screen",
      "battery",
      "temperature",
      "thermal",
      "low-power",
      "other-benchmarks",
    ])
      expect(found.get(id)).toMatchObject({ state: "ok" });
  });

  it("finds each thing that is wrong, and a remedy puts right what it can", async () => {
    const { phone, connection, device } = await open("snapdragon855");
    const options = makeOptions(device);
    phone.setScreen(false);
    phone.setLowPower(true);
    phone.setBattery(7, false);
    phone.setTemperature(41);
    phone.setThermalStatus(3);
    phone.setFreeBytes(1e6);
    const found = await check(connection, options);
    expect(Object.fromEntries([...found].map(([id, { state }]) => [id, state]))).toMatchObject({
      screen: "failed",
      "low-power": "failed",
      battery: "failed",
      temperature: "warning",
      thermal: "warning",
      space: "failed",
    });
    expect(await applyRemedy(connection, "wake-screen", options)).toMatchObject({
      id: "screen",
      state: "ok",
    });
    expect(await applyRemedy(connection, "low-power-off", options)).toMatchObject({
      id: "low-power",
      state: "ok",
    });
  });

  it("sees that a mask is not kept to", async () => {
    const { phone, connection, device } = await open("exynos9820");
    phone.ignoreMask();
    const found = await check(connection, makeOptions(device));
    expect(found.get("core-mask")).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("got ff") as string,
    });
  });

  it("keeps the phone awake on request", async () => {
    const { connection, device } = await open("snapdragon855");
    const kept = await applyRemedy(connection, "stay-awake", makeOptions(device));
    expect(kept).toMatchObject({ id: "stay-awake", state: "ok" });
  });

  it("knows which phones take fixed performance", async () => {
    const taking = await open("snapdragon845offline");
    expect(await setFixedPerformance(taking.connection, true)).toBe(true);
    expect(await setFixedPerformance(taking.connection, false)).toBe(true);
    const old = await open("exynos9820");
    expect(await setFixedPerformance(old.connection, true)).toBe(false);
  });

  it("finds a benchmark of ours that was left behind, and stops it and nothing else", async () => {
    const { connection, device } = await open("snapdragon855");
    const options = makeOptions(device);
    await connection.run(
      `mkdir -p ${phoneFolder}/bin && cd ${phoneFolder}/bin && printf '#!/bin/sh\\nwhile true; do sleep 1; done\\n' >left.sh && (sh ${phoneFolder}/bin/left.sh </dev/null >/dev/null 2>&1 &)`,
    );
    const listed = await connection.run(processesCommand);
    expect(parseBenchmarks(listed.stdout)).toMatchObject([{ ours: true }]);
    const found = await check(connection, options);
    expect(found.get("other-benchmarks")).toMatchObject({ state: "failed", action: "stop-benchmarks" });
    expect(await applyRemedy(connection, "stop-benchmarks", options)).toMatchObject({ state: "ok" });
    expect(parseBenchmarks((await connection.run(processesCommand)).stdout)).toEqual([]);
  });
});
