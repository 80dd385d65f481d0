/** The lab with phones: fake ones under real adb servers, each on a port and with keys of its own. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Device, Lab, LabEvent } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { type AdbServer, startAdbServer } from "../fake/adbServer.ts";
import { FakePhone, type FakePhoneOptions } from "../fake/phone.ts";
import { finish } from "./finish.ts";

const binary = fileURLToPath(new URL("../fake/benchmark_model", import.meta.url));

let folder: string;
let server: AdbServer;
const started: { stop(): Promise<void> }[] = [];
const labs: OpenedLab[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-phones ünï-"));
  server = await startAdbServer();
});
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close();
  // One that is switched off while it is connected stays in adb's list as offline.
  await server.run(["disconnect"]);
  for (const one of started.splice(0)) await one.stop();
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let places = 0;
async function open(place = `lab${places++}`, of = server): Promise<OpenedLab> {
  const lab = await openLab({ folder: join(folder, place), adb: { env: of.environment() } });
  labs.push(lab);
  return lab;
}

async function plug(options: FakePhoneOptions | string, on = server): Promise<FakePhone> {
  const phone = await FakePhone.start(typeof options === "string" ? { profile: options } : options);
  started.push(phone);
  await on.connect(phone.serial);
  return phone;
}

/** The phones once none is being asked any more. */
async function listPhones(lab: Lab): Promise<Device[]> {
  let phones: Device[] = [];
  await expect
    .poll(
      async () => {
        phones = (await lab.devices()).filter(({ kind }) => kind === "adb");
        return phones.every(({ state }) => state !== "probing");
      },
      { timeout: 30_000 },
    )
    .toBe(true);
  return phones;
}

const masks = ({ coreSets }: Device, ...names: string[]) =>
  names.map((name) => coreSets.find((set) => set.name === name)?.mask);

describe("devices", () => {
  it("tell clusters, masks, GPU and state of phones of one to three clusters", async () => {
    const names = ["snapdragon855", "snapdragon710", "exynos9820", "helioP35", "board"];
    const phones = new Map<string, FakePhone>();
    for (const name of names) phones.set(name, await plug(name));
    const lab = await open();
    const listed = await listPhones(lab);
    expect(listed).toHaveLength(5);
    const find = (name: string) => listed.find(({ id }) => id === phones.get(name)!.serial)!;
    const shape = (name: string) => find(name).clusters.map(({ name: at, cpus }) => `${cpus.length}${at}`);
    expect(shape("snapdragon855")).toEqual(["1large", "3med", "4small"]);
    expect(shape("snapdragon710")).toEqual(["2large", "6small"]);
    expect(shape("exynos9820")).toEqual(["2large", "2med", "4small"]);
    expect(shape("helioP35")).toEqual(["4large", "4small"]);
    expect(shape("board")).toHaveLength(1);
    expect(masks(find("snapdragon855"), "1large", "3med", "4small", "1large+1med")).toEqual([
      "0x80",
      "0x70",
      "0xf",
      "0x90",
    ]);
    expect(find("snapdragon855")).toMatchObject({
      kind: "adb",
      state: "ready",
      problem: null,
      gpu: "Adreno (TM) 640",
      abi: "arm64-v8a",
      noiseFloor: {},
      phone: { server: server.address, batteryPercent: 87, screenOn: true, binary: null },
    });
    for (const device of listed) expect(device.state).toBe("ready");
    // As the command line prints them, so they cross every wire.
    expect(JSON.parse(JSON.stringify(listed))).toEqual(listed);
  });

  it("appear and vanish by themselves, told by events, and are remembered as absent", async () => {
    const lab = await open();
    const seen: LabEvent["type"][] = [];
    lab.subscribe(({ type }) => seen.push(type));
    expect(await listPhones(lab)).toEqual([]);
    const phone = await plug("snapdragon855");
    await expect.poll(() => seen).toContain("devices");
    await expect.poll(async () => (await listPhones(lab)).map(({ state }) => state)).toEqual(["ready"]);
    seen.length = 0;
    await server.disconnect(phone.serial);
    await expect.poll(async () => (await listPhones(lab)).map(({ state }) => state)).toEqual(["absent"]);
    await expect.poll(() => seen).toContain("devices");
    const [absent] = await listPhones(lab);
    expect(absent).toMatchObject({
      id: phone.serial,
      soc: "Qualcomm SM8150",
      temperatureC: null,
      phone: { batteryPercent: null, server: server.address },
    });
    expect(absent!.problem).toMatch(/^Last seen 20\d\d-/);
    await expect(lab.cleanPhone({ device: phone.serial })).rejects.toMatchObject({
      code: "phone-unavailable",
    });
    await server.connect(phone.serial);
    await expect.poll(async () => (await listPhones(lab)).map(({ state }) => state)).toEqual(["ready"]);
  });

  it("are told of once: who looks because something changed finds nothing new", async () => {
    await plug("board");
    const lab = await open();
    await listPhones(lab);
    let told = 0;
    lab.subscribe(({ type }) => {
      if (type !== "devices" && type !== "adb") return;
      told++;
      void lab.devices();
      void lab.adb();
    });
    await lab.devices();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(told).toBeLessThan(3);
  });

  it("that do not trust this computer say what to do and are asked once they do", async () => {
    const phone = await plug({ profile: "helioP35", authorized: false });
    const lab = await open();
    const [device] = await listPhones(lab);
    expect(device).toMatchObject({ id: phone.serial, state: "unauthorized", clusters: [], coreSets: [] });
    expect(device!.problem).toMatch(/Allow USB debugging/);
    await expect(lab.startPreflight({ device: phone.serial })).rejects.toMatchObject({
      code: "phone-unavailable",
      hint: expect.stringMatching(/Allow USB debugging/) as string,
    });
    phone.authorize();
    await expect
      .poll(async () => (await listPhones(lab)).map(({ state }) => state), { timeout: 30_000 })
      .toEqual(["ready"]);
  });

  it("take new readings now and then when somebody looks", async () => {
    const phone = await plug("exynos9820");
    const lab = await open();
    const [before] = await listPhones(lab);
    phone.setTemperature(41);
    phone.setScreen(false);
    await expect
      .poll(async () => (await listPhones(lab))[0]!.phone!.batteryTemperatureC, {
        timeout: 30_000,
        interval: 500,
      })
      .toBe(41);
    expect(before!.phone!.batteryTemperatureC).not.toBe(41);
    expect((await listPhones(lab))[0]!.phone!.screenOn).toBe(false);
  });

  it("are named by bare serials where one has it, also on a further server", async () => {
    const further = await startAdbServer();
    started.push(further);
    const phone = await plug("snapdragon710", further);
    const lab = await open();
    expect(await listPhones(lab)).toEqual([]);
    expect(await lab.changeSettings({ adbServers: [further.address] })).toMatchObject({
      adbServers: [further.address],
    });
    const id = `${phone.serial}@${further.address}`;
    await expect.poll(async () => (await listPhones(lab)).map((device) => device.id)).toEqual([id]);
    expect((await lab.adb()).servers).toEqual([
      { address: server.address, local: true, state: "connected", problem: null, phones: 0 },
      { address: further.address, local: false, state: "connected", problem: null, phones: 1 },
    ]);
    expect(await lab.cleanPhone({ device: phone.serial })).toEqual({ removedBytes: 0 });
    expect(await lab.cleanPhone({ device: id })).toEqual({ removedBytes: 0 });
    // The same phone on both: its serial alone names none.
    await server.connect(phone.serial);
    await expect.poll(async () => (await listPhones(lab)).length).toBe(2);
    await expect(lab.cleanPhone({ device: phone.serial })).resolves.toBeDefined();
    // Taken out again, and its phones with it.
    await lab.changeSettings({ adbServers: [] });
    await expect
      .poll(async () => (await listPhones(lab)).map(({ id: at, state }) => [at, state]))
      .toEqual([
        [phone.serial, "ready"],
        [id, "absent"],
      ]);
  });

  it("that nobody has are unknown", async () => {
    const lab = await open();
    for (const act of [
      lab.cleanPhone({ device: "R58M1234" }),
      lab.startPreflight({ device: "$(reboot)" }),
      lab.checkSpeed({ device: "R58M1234" }),
      lab.startRun({
        device: "R58M1234",
        coreSets: ["1large"],
        precision: "float32",
        runtime: "tflite",
        models: ["x"],
      }),
    ])
      await expect(act).rejects.toMatchObject({ code: "device-unknown" });
    await expect(lab.cleanPhone({ device: "host" })).rejects.toMatchObject({ code: "bad-request" });
  });
});

describe("adb", () => {
  it("is not touched before somebody asks for phones", async () => {
    const gone = await startAdbServer();
    await gone.stop();
    const touched = join(folder, "touched");
    const program = join(folder, "adb that tells");
    writeFileSync(program, `#!/bin/sh\necho "$@" >>'${touched}'\nexit 1\n`, { mode: 0o755 });
    const env = { ...gone.environment(), LATENCY_LAB_ADB: program };
    const lab = await openLab({ folder: join(folder, "untouched"), adb: { env } });
    labs.push(lab);
    const models = await finish(lab, lab.startSample({ count: 1, seed: 1 }));
    await lab.changeSettings({ startTemperatureC: 33 });
    await lab.binaries();
    const [host] = (await lab.info()).hostProblem === null ? ["host"] : [];
    const request = { precision: "float32", runtime: "tflite" } as const;
    if (host)
      await lab
        .startRun({ ...request, device: host, coreSets: ["1core"], models: models.map(({ name }) => name) })
        .then(({ job }) => lab.cancelJob({ job }))
        // Where cores have other names the run is refused, and without a look at phones.
        .catch((error: unknown) => expect(error).toMatchObject({ code: "core-set-unknown" }));
    expect(existsSync(touched)).toBe(false);
    await lab.devices();
    await expect.poll(() => existsSync(touched)).toBe(true);
  });

  it("switched off means no phones, and says so", async () => {
    await plug("board");
    const lab = await openLab({
      folder: join(folder, "off"),
      adb: { env: { ...server.environment(), LATENCY_LAB_ADB: "none" } },
    });
    labs.push(lab);
    expect(await listPhones(lab)).toEqual([]);
    expect(await lab.adb()).toMatchObject({ path: null, servers: [] });
    expect((await lab.adb()).problem).toMatch(/switched off/);
    await expect(lab.connectPhone({ address: "127.0.0.1:1" })).rejects.toMatchObject({ code: "adb-missing" });
    await expect(lab.cleanPhone({ device: "x" })).rejects.toMatchObject({ code: "device-unknown" });
  });

  it("named wrongly in the settings is told, named rightly works", async () => {
    const lab = await open();
    await lab.changeSettings({ adbPath: join(folder, "no adb") });
    // A server that runs needs no program; what the program is is told all the same.
    expect(await lab.adb({ again: true })).toMatchObject({ path: null });
    await lab.changeSettings({ adbPath: server.program });
    expect(await lab.adb({ again: true })).toMatchObject({ path: server.program, source: "the settings" });
  });

  it("connects phones over Wi-Fi, remembers them, and lets them go", async () => {
    const phone = await FakePhone.start({ profile: "board" });
    started.push(phone);
    const lab = await open();
    expect(await listPhones(lab)).toEqual([]);
    expect(await lab.connectPhone({ address: phone.serial })).toEqual({ device: phone.serial });
    expect((await lab.settings()).wifiPhones).toEqual([phone.serial]);
    await expect.poll(async () => (await listPhones(lab)).map(({ id }) => id)).toEqual([phone.serial]);
    expect(await lab.disconnectPhone({ address: phone.serial })).toEqual({ removed: 1 });
    expect((await lab.settings()).wifiPhones).toEqual([]);
    await expect.poll(async () => (await listPhones(lab)).map(({ state }) => state)).toEqual(["absent"]);
    expect(await lab.disconnectPhone({ address: phone.serial })).toEqual({ removed: 0 });
    await phone.unplug();
    await expect(lab.connectPhone({ address: phone.serial })).rejects.toMatchObject({
      code: "pairing-failed",
    });
    expect((await lab.settings()).wifiPhones).toEqual([]);
    await expect(lab.pairPhone({ address: phone.serial, code: "123456" })).rejects.toMatchObject({
      code: "pairing-failed",
    });
  });
});

describe("a preflight", () => {
  it("tells each check, what to do, and does it", async () => {
    const phone = await plug("snapdragon855");
    phone.setScreen(false);
    phone.setLowPower(true);
    const lab = await open();
    const events: LabEvent[] = [];
    lab.subscribe((event) => events.push(event));
    const checks = await finish(lab, lab.startPreflight({ device: phone.serial }));
    const state = (id: string) => checks.find((check) => check.id === id)!.state;
    expect(checks[0]).toMatchObject({ id: "binary", state: "failed", action: "install-binary" });
    expect(checks[0]!.remedy).toContain("latlab binaries --add");
    expect(state("core-mask")).toBe("ok");
    expect(state("screen")).not.toBe("ok");
    expect(state("low-power")).not.toBe("ok");
    expect(events.flatMap((event) => (event.type === "preflight" ? [event.check] : []))).toEqual(checks);
    await lab.addBinary({ path: binary });
    const remedy = (name: "install-binary" | "wake-screen" | "low-power-off" | "free-space") =>
      lab.applyRemedy({ device: phone.serial, remedy: name });
    expect(await remedy("install-binary")).toMatchObject({ id: "binary", state: "ok" });
    expect(await remedy("wake-screen")).toMatchObject({ id: "screen", state: "ok" });
    expect(await remedy("low-power-off")).toMatchObject({ id: "low-power", state: "ok" });
    expect(phone.screenOn).toBe(true);
    expect(phone.lowPower).toBe(false);
    // What is shown of the phone is what it is now.
    expect((await listPhones(lab))[0]).toMatchObject({ phone: { screenOn: true, lowPower: false } });
    expect((await listPhones(lab))[0]!.runtimeVersion).toMatch(/^benchmark_model [0-9a-f]{12}$/);
    expect(await remedy("free-space")).toMatchObject({ id: "space", state: "ok" });
    expect(phone.files()).toEqual([]);
  });

  it("is for core sets the phone has", async () => {
    const phone = await plug("snapdragon855");
    const lab = await open();
    const checks = await finish(
      lab,
      lab.startPreflight({ device: phone.serial, coreSets: ["2small+1large", "gpu"] }),
    );
    expect(checks.find(({ id }) => id === "core-mask")).toMatchObject({
      state: "ok",
      detail: expect.stringContaining("1large+2small") as string,
    });
    await expect(
      finish(lab, lab.startPreflight({ device: phone.serial, coreSets: ["3large"] })),
    ).rejects.toMatchObject({ code: "core-set-unknown" });
  });

  it("sets fixed performance only for as long as the lab is open", async () => {
    const phone = await plug("snapdragon855");
    const lab = await open();
    await listPhones(lab);
    await lab.applyRemedy({ device: phone.serial, remedy: "fixed-performance" });
    const taken = phone.fixedPerformance;
    await lab.close();
    expect(phone.fixedPerformance).toBe(false);
    // A phone of Android 12 has that mode.
    expect(taken).toBe(true);
  });
});
