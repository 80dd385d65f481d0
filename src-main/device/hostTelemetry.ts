import { readFileSync, readdirSync } from "node:fs";
import { loadavg } from "node:os";

/** What the computer tells about itself at one moment; null where it tells nothing. */
export interface Telemetry {
  /** Mean of the current frequencies of the given cores, MHz. */
  frequencyMhz: number | null;
  /** Load average of the last minute. */
  load: number | null;
  /** Hottest CPU-like thermal zone, °C. */
  temperatureC: number | null;
}

/** Reads frequency, load and temperature; each is null where the platform does not tell it. */
export function readTelemetry(cpus: readonly number[]): Telemetry {
  return {
    frequencyMhz: readFrequency(cpus),
    load: process.platform === "win32" ? null : loadavg()[0]!,
    temperatureC: readTemperature(),
  };
}

function readFrequency(cpus: readonly number[]): number | null {
  const values = cpus
    .map((cpu) => readNumber(`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_cur_freq`))
    .filter((value) => value !== null)
    .map((khz) => khz / 1000);
  const known = values.length > 0 ? values : readCpuinfoMhz(cpus);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

// Virtual machines have no cpufreq; /proc/cpuinfo still names the clock.
function readCpuinfoMhz(cpus: readonly number[]): number[] {
  const all = (readText("/proc/cpuinfo") ?? "")
    .split("\n")
    .filter((line) => line.startsWith("cpu MHz"))
    .map((line) => Number(line.split(":")[1]));
  return cpus
    .map((cpu) => all[cpu])
    .filter((value) => value !== undefined && Number.isFinite(value)) as number[];
}

function readTemperature(): number | null {
  let hottest: number | null = null;
  for (const zone of listFolder("/sys/class/thermal").filter((name) => name.startsWith("thermal_zone"))) {
    const type = readText(`/sys/class/thermal/${zone}/type`) ?? "";
    if (!/cpu|pkg|soc|core/i.test(type)) continue;
    const milli = readNumber(`/sys/class/thermal/${zone}/temp`);
    if (milli !== null && milli > 0) hottest = Math.max(hottest ?? 0, milli / 1000);
  }
  return hottest;
}

/** The file's text, or null when it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

/** The file's number, or null when there is none. */
export function readNumber(path: string): number | null {
  const text = readText(path);
  const value = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
