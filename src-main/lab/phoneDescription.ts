import type { ListedPhone } from "../device/phoneState.ts";
import type { SeenPhone } from "../store/phones.ts";
import type { Device } from "./contract.ts";

/** A phone that has not said yet what it is. */
export function describeStranger(listed: ListedPhone): Device {
  return {
    id: listed.id,
    name: listed.model?.replaceAll("_", " ") ?? listed.serial,
    kind: "adb",
    state: "probing",
    problem: null,
    soc: "unknown",
    gpu: null,
    abi: "unknown",
    os: "Android",
    memoryBytes: 0,
    clusters: [],
    coreSets: [],
    runtimes: [],
    precisions: [],
    runtimeVersion: null,
    load: null,
    temperatureC: null,
    frequencyMhz: null,
    noiseFloor: {},
    speed: [],
    phone: {
      serial: listed.serial,
      server: listed.server,
      manufacturer: null,
      model: listed.model,
      androidVersion: null,
      sdk: null,
      fingerprint: null,
      abis: [],
      offlineCpus: [],
      openClLibrary: null,
      thermalStatus: null,
      batteryPercent: null,
      batteryTemperatureC: null,
      charging: null,
      screenOn: null,
      lowPower: null,
      freeBytes: null,
      binary: null,
    },
  };
}

/** A phone that was here before. */
export function describeAbsent({ device, seenAt }: SeenPhone): Device {
  const where = device.phone?.server ? ` on the adb server ${device.phone.server}` : "";
  return {
    ...dropReadings(device),
    state: "absent",
    problem: `Last seen ${seenAt}${where}. Plug it in, or connect it again over Wi-Fi.`,
  };
}

/** The phone without its readings, which would pass for today's when it cannot be asked. */
export function dropReadings(device: Device): Device {
  const { phone } = device;
  return {
    ...device,
    load: null,
    temperatureC: null,
    frequencyMhz: null,
    phone: phone && {
      ...phone,
      thermalStatus: null,
      batteryPercent: null,
      batteryTemperatureC: null,
      charging: null,
      screenOn: null,
      lowPower: null,
      freeBytes: null,
    },
  };
}
