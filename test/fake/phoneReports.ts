import type { PhoneProfile } from "./phoneProfile.ts";

/** What tests and users turn on a fake phone. */
export interface PhoneSenses {
  temperatureC: number;
  /** 0 (none) to 6 (shutdown). */
  thermalStatus: number;
  batteryPercent: number;
  powered: boolean;
  load: number;
}

/** `dumpsys battery`. */
export function describeBattery(senses: PhoneSenses): string {
  return [
    "Current Battery Service state:",
    "  AC powered: false",
    `  USB powered: ${senses.powered}`,
    "  Wireless powered: false",
    "  Max charging current: 500000",
    `  status: ${senses.powered ? 2 : 3}`,
    "  health: 2",
    "  present: true",
    `  level: ${senses.batteryPercent}`,
    "  scale: 100",
    "  voltage: 4180",
    `  temperature: ${Math.round(senses.temperatureC * 10)}`,
    "  technology: Li-ion",
    "",
  ].join("\n");
}

/** `dumpsys thermalservice` as Android 10 (old) and later ones print it; null where the service is missing. */
export function describeThermal(profile: PhoneProfile, senses: PhoneSenses): string | null {
  if (!profile.thermal) return null;
  const status = senses.thermalStatus;
  const skin = senses.temperatureC + 1.9;
  // name, type, value: CPU 0, GPU 1, battery 2, skin 3
  const sensors: [string, number, number][] = [
    ["CPU0", 0, skin + 9],
    ["GPU0", 1, skin + 5],
    ["battery", 2, senses.temperatureC],
    ["skin", 3, skin],
  ];
  const ofSensor = (type: number): number => (type === 3 ? status : 0);
  const lines = sensors.map(([name, type, value]) =>
    profile.thermal === "old"
      ? `\tName: ${name}, Type: ${type}, Status: ${ofSensor(type)}, Value: ${value.toFixed(1)}`
      : `\tTemperature{mValue=${value.toFixed(1)}, mType=${type}, mName=${name}, mStatus=${ofSensor(type)}}`,
  );
  return [
    "IsStatusOverride: false",
    "ThermalEventListeners:",
    "\tcallbacks: 1",
    "ThermalStatusListeners:",
    "\tcallbacks: 1",
    `Thermal Status: ${status}`,
    "Cached temperatures:",
    ...lines,
    "HAL Ready: true",
    "HAL connection:",
    "\tThermalHAL 2.0 connected: yes",
    "Current temperatures from HAL:",
    ...lines,
    "Current cooling devices from HAL:",
    "",
  ].join("\n");
}

/** `dumpsys SurfaceFlinger`, the lines around the GPU's name. */
export function describeSurfaces(profile: PhoneProfile): string {
  return [
    "Build configuration: [sf PRESENT_TIME_OFFSET=0]",
    "h/w composer state:",
    "  h/w composer enabled",
    ...(profile.gpu.gles ? [`GLES: ${profile.gpu.gles}`] : []),
    "Display 4630946213010294403 HWC layers:",
    "",
  ].join("\n");
}

/** `dumpsys cpuinfo`. */
export function describeCpuLoad(profile: PhoneProfile, senses: PhoneSenses): string {
  const cores = profile.clusters.reduce((sum, { cpus }) => sum + cpus.length, 0);
  const share = Math.min(100, (senses.load / cores) * 100);
  const load = senses.load.toFixed(2);
  return [
    `Load: ${load} / ${load} / ${load}`,
    "CPU usage from 62104ms to 2089ms ago (2026-01-05 10:00:00.000 to 2026-01-05 10:01:00.015):",
    `  ${(share * cores * 0.8).toFixed(1)}% 1502/system_server: ${(share * cores * 0.5).toFixed(1)}% user + ${(share * cores * 0.3).toFixed(1)}% kernel`,
    "  0.7% 811/surfaceflinger: 0.4% user + 0.3% kernel",
    `${share.toFixed(1)}% TOTAL: ${(share * 0.6).toFixed(1)}% user + ${(share * 0.4).toFixed(1)}% kernel`,
    "",
  ].join("\n");
}
