/** A phone that is not there: adbd's protocol on a TCP port of this computer, for tests and for trying the lab without one. */
import { randomUUID } from "node:crypto";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AdbDaemon } from "./adbDaemon.ts";
import { versionSkippingChecksum, versionWithChecksum } from "./adbPackets.ts";
import type { AdbStream } from "./adbStream.ts";
import { PhoneFiles } from "./phoneFiles.ts";
import {
  killBenchmarks,
  killPhoneProcesses,
  killPhoneProcessesNow,
  listPhoneProcesses,
  sweepProc,
} from "./phoneProcesses.ts";
import { type GpuBehaviour, type PhoneProfile, parseCpuList, readProfile } from "./phoneProfile.ts";
import { writePrograms } from "./phonePrograms.ts";
import {
  type PhoneSenses,
  describeBattery,
  describeCpuLoad,
  describeSurfaces,
  describeThermal,
} from "./phoneReports.ts";
import { type ShellHost, servePlainShell, serveShell } from "./phoneShell.ts";
import { serveSync } from "./phoneSync.ts";
import { writeLoad, writePhoneFile, writeProc, writeSysfs } from "./phoneSysfs.ts";

/** Which benchmark program the fake one imitates: this project's own, or TFLite's official one with aggregates only. */
export type PhoneTool = "host" | "official";

export interface FakePhoneOptions {
  /** Name of a data file in `phones/`. */
  profile: string;
  /** TCP port; a free one when absent. */
  port?: number;
  tool?: PhoneTool;
  /** Instead of what the profile says. */
  gpu?: GpuBehaviour;
  /** Whether the phone trusts every computer; else it waits for `authorize()`. */
  authorized?: boolean;
  /** Time a benchmark waits before it starts, so that tests can act meanwhile. */
  benchmarkDelayMs?: number;
  /** Further or other properties. */
  properties?: Record<string, string>;
}

const benchmarkProgram = fileURLToPath(new URL("./phoneBenchmark.ts", import.meta.url));
// Only what is implemented: the adb server uses whatever is named here.
const features = ["shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir", "fixed_push_symlink_timestamp"];
const alive = new Set<string>();
let phoneCount = 0;

process.on("exit", () => {
  for (const root of alive) {
    killPhoneProcessesNow(root);
    rmSync(root, { recursive: true, force: true });
  }
});

export class FakePhone {
  readonly profile: PhoneProfile;
  readonly root: string;
  /** When benchmark processes ran, by this computer's clock: from their start on their cores to their end. */
  readonly benchmarkIntervals: { startMs: number; endMs: number }[] = [];
  readonly #options: FakePhoneOptions;
  readonly #files: PhoneFiles;
  readonly #daemon: AdbDaemon;
  readonly #shell: ShellHost;
  readonly #hostCpus: string;
  readonly #senses: PhoneSenses;
  #port = 0;
  #authorized: boolean;
  #bootId = randomUUID();
  #commands = 0;
  #stopped = false;

  /** Makes the phone and starts listening. */
  static async start(options: FakePhoneOptions): Promise<FakePhone> {
    const phone = new FakePhone(options);
    phone.#port = await phone.#daemon.listen(options.port ?? 0);
    return phone;
  }

  private constructor(options: FakePhoneOptions) {
    this.#options = options;
    const profile = readProfile(options.profile);
    this.profile = { ...profile, properties: { ...profile.properties, ...options.properties } };
    this.#authorized = options.authorized ?? true;
    this.#files = new PhoneFiles(mkdtempSync(join(tmpdir(), "fake-phone-")), this.profile.freeBytes);
    this.root = this.#files.root;
    alive.add(this.root);
    const host = listHostCpus();
    const offset = phoneCount++;
    this.#hostCpus = parseCpuList(this.profile.possible)
      .map((cpu) => host[(cpu + offset) % host.length])
      .join(" ");
    this.#senses = {
      temperatureC: this.profile.temperatureC,
      thermalStatus: 0,
      batteryPercent: 87,
      powered: true,
      load: 0.6,
    };
    this.#writeRoot();
    this.#shell = {
      root: this.root,
      environment: () => this.#makeEnvironment(),
      rewrite: (commandLine) => this.#files.rewrite(commandLine),
      onStart: () => {
        this.#commands++;
        this.#writeUptime();
      },
      onExit: (child) => {
        this.#commands--;
        this.#noteInterval(child);
        if (!this.#stopped) sweepProc(this.root);
      },
    };
    this.#daemon = new AdbDaemon({
      banner: () => this.#describeBanner(),
      authorized: () => this.#authorized,
      openService: (service) => this.#chooseService(service),
      version: this.profile.oldProtocol ? versionWithChecksum : versionSkippingChecksum,
      maxPayload: this.profile.oldProtocol ? 256 * 1024 : 1024 * 1024,
    });
  }

  get port(): number {
    return this.#port;
  }

  /** The serial under which an adb server knows it after `adb connect`. */
  get serial(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Whether an adb server is connected and let in. */
  get connected(): boolean {
    return this.#daemon.connections > 0;
  }

  /** Pulls the cable: every connection ends, and nobody listens until `plug()`. */
  async unplug(): Promise<void> {
    await this.#daemon.drop();
  }

  /** Listens again on the same port; an adb server finds it by itself within its retry time, or by `adb connect`. */
  async plug(): Promise<void> {
    await this.#daemon.listen(this.#port);
  }

  /** Kills every process and forgets what a reboot forgets; settles when the phone listens again. */
  async reboot({ backAfterMs }: { backAfterMs: number }): Promise<void> {
    await this.#daemon.drop();
    await killPhoneProcesses(this.root);
    sweepProc(this.root);
    this.#bootId = randomUUID();
    this.#writeState("fixedPerformance", "false");
    this.#writeState("screen", "Awake");
    this.#writeBoot();
    await sleep(backAfterMs);
    if (!this.#stopped) await this.#daemon.listen(this.#port);
  }

  /** Lets so many bytes be free for the user's files, as the files are now. */
  setFreeBytes(bytes: number): void {
    this.#files.capacityBytes = this.#files.measureUsed() + bytes;
    this.#writeState("capacity", String(this.#files.capacityBytes));
  }

  /** As the low-memory killer does; gives the ids of the processes it killed. */
  killBenchmark(): number[] {
    return killBenchmarks(this.root);
  }

  /** The next benchmark makes no progress after its warm-up and ends on SIGHUP or SIGKILL only. */
  hangBenchmark(on = true): void {
    this.#writeFlag("hang", on);
  }

  /** Benchmark programs cannot be executed, as under a policy that forbids it. */
  denyExecution(on = true): void {
    this.#writeFlag("denyExecution", on);
  }

  /** Benchmark programs are of a wrong ABI. */
  refuseAbi(on = true): void {
    this.#writeFlag("refuseAbi", on);
  }

  /** taskset accepts the mask and the kernel does not keep to it. */
  ignoreMask(on = true): void {
    this.#writeFlag("ignoreMask", on);
  }

  /** Moves the phone's clock: `date` and the times it gives files itself. */
  jumpClock(seconds: number): void {
    const before = Number(this.#readState("clock"));
    this.#writeState("clock", String(before + Math.round(seconds)));
  }

  /** Battery temperature in °C; the other sensors follow. */
  setTemperature(celsius: number): void {
    this.#senses.temperatureC = celsius;
    this.#writeReports();
  }

  /** 0 (none) to 6 (shutdown). */
  setThermalStatus(status: number): void {
    this.#senses.thermalStatus = status;
    this.#writeReports();
  }

  setBattery(percent: number, powered = this.#senses.powered): void {
    this.#senses.batteryPercent = percent;
    this.#senses.powered = powered;
    this.#writeReports();
  }

  setScreen(on: boolean): void {
    this.#writeState("screen", on ? "Awake" : "Asleep");
  }

  setLowPower(on: boolean): void {
    this.#writeState("settings/global/low_power", on ? "1" : "0");
  }

  /** What other processes of the phone do, as a load average. */
  setLoad(load: number): void {
    this.#senses.load = load;
    writeLoad(this.root, load);
    this.#writeReports();
  }

  /** Changes a property, e.g. to a hostile one. */
  setProperty(key: string, value: string): void {
    this.profile.properties[key] = value;
    this.#writeProperties();
  }

  /** The user accepts the computer's key. */
  authorize(): void {
    this.#authorized = true;
    this.#daemon.authorize();
  }

  /** Ids of its benchmark processes that are alive. */
  listBenchmarks(): number[] {
    return listPhoneProcesses(this.root)
      .filter(({ benchmark }) => benchmark)
      .map(({ pid }) => pid);
  }

  /** Ids of all its processes that are alive. */
  listProcesses(): number[] {
    return listPhoneProcesses(this.root).map(({ pid }) => pid);
  }

  get fixedPerformance(): boolean {
    return this.#readState("fixedPerformance") === "true";
  }

  get screenOn(): boolean {
    return this.#readState("screen") === "Awake";
  }

  get lowPower(): boolean {
    return this.#readState("settings/global/low_power") === "1";
  }

  get bootId(): string {
    return this.#bootId;
  }

  /** Commands that run now. */
  get commands(): number {
    return this.#commands;
  }

  /** Paths of the user's files, sorted. */
  files(): string[] {
    return this.#files.list();
  }

  /** Where a path of the phone is on this computer. */
  locate(path: string): string {
    return this.#files.locate(path);
  }

  /** Ends its own processes, and removes its folder. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#daemon.drop();
    await killPhoneProcesses(this.root);
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
    alive.delete(this.root);
  }

  // taskset writes the process's status as it hands over to the benchmark.
  #noteInterval({ pid, spawnargs }: ChildProcess): void {
    if (!/benchmark_model\b.*--graph=/s.test(spawnargs.join(" "))) return;
    const status = statSync(join(this.root, "proc", String(pid), "status"), { throwIfNoEntry: false });
    if (status) this.benchmarkIntervals.push({ startMs: status.mtimeMs, endMs: Date.now() });
  }

  #describeBanner(): string {
    const { product, model, device } = this.profile;
    return `device::ro.product.name=${product};ro.product.model=${model};ro.product.device=${device};features=${features.join(",")}`;
  }

  #chooseService(service: string): ((stream: AdbStream) => void) | null {
    const shell = /^shell(?:,([^:]*))?:(.*)$/s.exec(service);
    if (shell) {
      const second = (shell[1] ?? "").split(",").includes("v2");
      return (stream) => (second ? serveShell : servePlainShell)(stream, shell[2]!, this.#shell);
    }
    if (service.startsWith("exec:"))
      return (stream) => servePlainShell(stream, service.slice(5), this.#shell);
    if (service === "sync:") return (stream) => serveSync(stream, this.#files);
    if (service.startsWith("reboot:"))
      return (stream) => void stream.close().then(() => this.reboot({ backAfterMs: 500 }));
    return null;
  }

  #makeEnvironment(): NodeJS.ProcessEnv {
    return {
      PATH: `${this.root}/system/bin`,
      HOME: "/",
      SHELL: "/system/bin/sh",
      TMPDIR: `${this.root}/data/local/tmp`,
      ANDROID_DATA: "/data",
      ANDROID_ROOT: "/system",
      FAKE_PHONE_ROOT: this.root,
      FAKE_PHONE_PID: String(process.pid),
      FAKE_PHONE_NODE: process.execPath,
      FAKE_PHONE_BENCHMARK: benchmarkProgram,
      FAKE_PHONE_HOST_CPUS: this.#hostCpus,
      ELECTRON_RUN_AS_NODE: "1",
    };
  }

  #writeRoot(): void {
    const { root, profile } = this;
    for (const folder of ["data/local/tmp", "sdcard", "dev", ".fake/dumpsys", ".fake/properties"])
      mkdirSync(join(root, folder), { recursive: true });
    for (const space of ["global", "system", "secure"])
      mkdirSync(join(root, ".fake/settings", space), { recursive: true });
    mkdirSync(join(root, "storage/emulated"), { recursive: true });
    symlinkSync("../../sdcard", join(root, "storage/emulated/0"));
    writePrograms(root, profile);
    writeSysfs(root, profile);
    writeProc(root, profile, this.#senses.load);
    this.#writeState("screen", "Awake");
    this.#writeState("locked", "false");
    this.#writeState("clock", "0");
    this.#writeState("fixedPerformance", "false");
    this.#writeState("capacity", String(profile.freeBytes));
    this.#writeState("settings/global/low_power", "0");
    this.#writeState("settings/global/airplane_mode_on", "0");
    this.#writeState("settings/global/stay_on_while_plugged_in", "0");
    const online = parseCpuList(profile.online);
    this.#writeState("onlineMask", String(online.reduce((sum, cpu) => sum + 2 ** cpu, 0)));
    this.#writeState("onlineCount", String(online.length));
    this.#writeState(
      "benchmark.json",
      JSON.stringify({
        tool: this.#options.tool ?? "host",
        gpu: this.#options.gpu ?? profile.gpu.behaviour,
        unsupported: profile.gpu.unsupported ?? [],
        delayMs: this.#options.benchmarkDelayMs ?? 0,
      }),
    );
    this.#writeProperties();
    this.#writeReports();
    this.#writeBoot();
  }

  #writeBoot(): void {
    writePhoneFile(this.root, "/proc/sys/kernel/random/boot_id", `${this.#bootId}\n`);
    this.#writeState("bootedAt", String(Math.trunc(Date.now() / 1000)));
    this.#writeUptime();
  }

  #writeUptime(): void {
    const seconds = Math.max(0, Date.now() / 1000 - Number(this.#readState("bootedAt"))) + 30;
    writePhoneFile(this.root, "/proc/uptime", `${seconds.toFixed(2)} ${(seconds * 6).toFixed(2)}\n`);
  }

  #writeProperties(): void {
    const entries = Object.entries(this.profile.properties).sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, value] of entries) this.#writeState(`properties/${key}`, value);
    this.#writeState("getprop", entries.map(([key, value]) => `[${key}]: [${value}]`).join("\n"));
  }

  #writeReports(): void {
    this.#writeState("dumpsys/battery", describeBattery(this.#senses));
    this.#writeState("dumpsys/SurfaceFlinger", describeSurfaces(this.profile));
    this.#writeState("dumpsys/cpuinfo", describeCpuLoad(this.profile, this.#senses));
    const thermal = describeThermal(this.profile, this.#senses);
    if (thermal !== null) this.#writeState("dumpsys/thermalservice", thermal);
  }

  #writeState(name: string, text: string): void {
    writeFileSync(join(this.root, ".fake", name), text.endsWith("\n") ? text : `${text}\n`);
  }

  #readState(name: string): string {
    return readFileSync(join(this.root, ".fake", name), "utf8").trim();
  }

  #writeFlag(name: string, on: boolean): void {
    if (on) this.#writeState(name, "1");
    else rmSync(join(this.root, ".fake", name), { force: true });
  }
}

// The cores this process may use: in a container they need not start at 0.
function listHostCpus(): number[] {
  try {
    const line = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (line) return parseCpuList(line);
  } catch {
    // Not Linux; the phone's taskset will fail there.
  }
  return Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
}
