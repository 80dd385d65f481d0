import type { Device } from "../lab/contract.ts";
import { parseBattery } from "./battery.ts";
import { listPhoneCoreSets } from "./cores.ts";
import {
  cpuFilesCommand,
  groupPhoneClusters,
  listOfflineCpus,
  parseCpuInfo,
  parsePhoneCores,
} from "./cpuTopology.ts";
import { describeGpu, findOpenCl, openClCommand } from "./gpu.ts";
import type { PhoneConnection } from "./phoneConnection.ts";
import { parseLoad } from "./phoneLoad.ts";
import { freeSpaceCommand, parseFreeSpace, parseMemTotal } from "./phoneMemory.ts";
import type { ListedPhone } from "./phoneState.ts";
import { cleanText, cleanTextOrNull, parseNumber } from "./phoneText.ts";
import { isScreenOn, parseLowPower, parsePower, powerCommand } from "./powerState.ts";
import {
  describePhoneName,
  describeSoc,
  parseProperties,
  readAbis,
  readManufacturer,
  readModel,
  readProperty,
  readSdk,
} from "./properties.ts";
import { runSections } from "./shellSections.ts";
import { chooseTemperature, parseThermal } from "./thermal.ts";

/** What a phone is asked, cheap questions first: when one hangs, those before it are answered. */
export const probeSections = {
  properties: "getprop",
  cpus: cpuFilesCommand,
  cpuinfo: "cat /proc/cpuinfo",
  meminfo: "grep MemTotal: /proc/meminfo",
  load: "cat /proc/loadavg",
  kgsl: "cat /sys/class/kgsl/kgsl-3d0/gpu_model",
  mali: "cat /sys/class/misc/mali0/device/gpuinfo",
  opencl: openClCommand,
  frequency: "cat /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
  space: freeSpaceCommand,
  battery: "dumpsys battery",
  power: powerCommand,
  thermal: "dumpsys thermalservice",
  lowPower: "settings get global low_power",
  gles: "dumpsys SurfaceFlinger | grep -m 1 GLES:",
} as const;

/**
 * Asks a phone what it is, in one round trip, changing nothing and without root. What it does not tell is null or empty; rejects
 * only when the phone is lost, refuses altogether, or on abort. The binary, noise floor and speed are the lab's to fill in.
 */
export async function probePhone(
  connection: PhoneConnection,
  listed: ListedPhone,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Device> {
  return describePhone(listed, await runSections(connection, probeSections, options));
}

/** Makes a device of what a phone printed, section by section. */
export function describePhone(listed: ListedPhone, sections: ReadonlyMap<string, string>): Device {
  const said = (name: keyof typeof probeSections) => sections.get(name) ?? "";
  const properties = parseProperties(said("properties"));
  const info = parseCpuInfo(said("cpuinfo"));
  const cores = parsePhoneCores(said("cpus"), info);
  const clusters = groupPhoneClusters(cores);
  const abis = readAbis(properties);
  const abi = abis[0] ?? "unknown";
  const openClLibrary = findOpenCl(said("opencl"), abi);
  const gpu = describeGpu({
    kgsl: said("kgsl"),
    mali: said("mali"),
    gles: said("gles"),
    egl: readProperty(properties, "ro.hardware.egl"),
  });
  const thermal = parseThermal(said("thermal"));
  const battery = parseBattery(said("battery"));
  const power = parsePower(said("power"));
  const model = readModel(properties) ?? cleanTextOrNull(listed.model?.replaceAll("_", " "));
  const androidVersion = readProperty(properties, "ro.build.version.release");
  const sdk = readSdk(properties);
  return {
    id: listed.id,
    name: describePhoneName(properties) ?? model ?? cleanText(listed.serial),
    kind: "adb",
    state: "ready",
    problem: null,
    soc: describeSoc(properties, info.hardware) ?? "unknown",
    gpu,
    abi,
    os: describeSystem(androidVersion, sdk),
    memoryBytes: parseMemTotal(said("meminfo")) ?? 0,
    clusters,
    coreSets: listPhoneCoreSets(clusters),
    runtimes: openClLibrary === null ? ["tflite", "xnnpack"] : ["tflite", "xnnpack", "gpu-cl"],
    precisions: openClLibrary === null ? ["float32", "int8"] : ["float32", "float16", "int8"],
    runtimeVersion: null,
    load: parseLoad(said("load")),
    temperatureC: chooseTemperature(battery.temperatureC, thermal),
    frequencyMhz: averageMhz(said("frequency").split("\n")),
    noiseFloor: {},
    speed: [],
    phone: {
      serial: listed.serial,
      server: listed.server,
      manufacturer: readManufacturer(properties),
      model,
      androidVersion,
      sdk,
      fingerprint: cleanTextOrNull(properties.get("ro.build.fingerprint"), 250),
      abis,
      offlineCpus: listOfflineCpus(cores),
      openClLibrary,
      thermalStatus: thermal.status,
      batteryPercent: battery.percent,
      batteryTemperatureC: battery.temperatureC,
      charging: battery.charging,
      screenOn: isScreenOn(power),
      lowPower: parseLowPower(said("lowPower")) ?? power.lowPower,
      freeBytes: parseFreeSpace(said("space")),
      binary: null,
    },
  };
}

function describeSystem(version: string | null, sdk: number | null): string {
  if (version === null) return sdk === null ? "Android" : `Android (API ${sdk})`;
  return sdk === null ? `Android ${version}` : `Android ${version} (API ${sdk})`;
}

/** Mean of frequencies in kHz as /sys writes them, MHz; null when none is told. */
export function averageMhz(lines: readonly string[]): number | null {
  const known = lines.map((line) => parseNumber(line, 1000, 20_000_000)).filter((khz) => khz !== null);
  return known.length > 0 ? known.reduce((sum, khz) => sum + khz, 0) / known.length / 1000 : null;
}
