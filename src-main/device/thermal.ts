import type { ThermalStatus } from "../lab/contract.ts";
import { cleanText, parseNumber } from "./phoneText.ts";

export type SensorKind = "cpu" | "gpu" | "battery" | "skin" | "other";

/** One temperature of a phone's thermal service. */
export interface ThermalSensor {
  name: string;
  kind: SensorKind;
  /** °C. */
  temperatureC: number;
}

/** What `dumpsys thermalservice` tells. */
export interface Thermal {
  status: ThermalStatus | null;
  sensors: ThermalSensor[];
}

const statuses: readonly ThermalStatus[] = [
  "none",
  "light",
  "moderate",
  "severe",
  "critical",
  "emergency",
  "shutdown",
];

// Types of Android's thermal HAL that are temperatures people compare; the others are modems, chargers, currents.
const kinds: Readonly<Record<string, SensorKind>> = {
  "0": "cpu",
  "1": "gpu",
  "2": "battery",
  "3": "skin",
  cpu: "cpu",
  gpu: "gpu",
  battery: "battery",
  skin: "skin",
};

const mostSensors = 256;
const mostLines = 5000;

/**
 * Reads `dumpsys thermalservice` in both of its forms, `Temperature{mValue=36.4, mType=3, mName=skin, mStatus=0}` and
 * `Name: skin, Type: 3, Status: 0, Value: 36.4`. Readings asked from the hardware just now win over cached ones; thresholds,
 * cooling devices and readings that cannot be are passed over. Without a temperature or status, null and none.
 */
export function parseThermal(text: string): Thermal {
  const status = parseNumber(/^[ \t]*Thermal Status:[ \t]*(\d{1,9})[ \t\r]*$/m.exec(text)?.[1], 0, 6);
  const current: ThermalSensor[] = [];
  const cached: ThermalSensor[] = [];
  let section: ThermalSensor[] | null = cached;
  for (const raw of text.split("\n", mostLines)) {
    const line = raw.slice(0, 400).trim();
    if (/^Current temperatures/i.test(line)) section = current;
    else if (/^Cached temperatures/i.test(line)) section = cached;
    else if (/cooling devices|thresholds/i.test(line)) section = null;
    else if (section && section.length < mostSensors && !/^\w*(?:Threshold|CoolingDevice)\{/.test(line)) {
      const sensor = parseSensor(line);
      if (sensor) section.push(sensor);
    }
  }
  return {
    status: status === null ? null : statuses[status]!,
    sensors: current.length > 0 ? current : cached,
  };
}

function parseSensor(line: string): ThermalSensor | null {
  const field = (name: string) =>
    new RegExp(`(?:^|[\\s{,])m?${name}\\s*[=:]\\s*([^,}]*)`, "i").exec(line)?.[1]?.trim();
  const value = field("value");
  const type = field("type")?.toLowerCase();
  if (value === undefined || type === undefined) return null;
  const told = parseNumber(value, -50, 150_000);
  // Some vendors' services pass the kernel's thousandths of a degree on.
  const temperatureC = told !== null && told >= 1000 ? told / 1000 : told;
  // Zero is what services say of a sensor that is not there.
  if (temperatureC === null || temperatureC === 0 || temperatureC > 150) return null;
  return { name: cleanText(field("name") ?? "", 60), kind: kinds[type] ?? "other", temperatureC };
}

/** The hottest sensor of a kind, °C; null when there is none. */
export function findHottest(thermal: Thermal, kind: SensorKind): number | null {
  const values = thermal.sensors
    .filter((sensor) => sensor.kind === kind)
    .map((sensor) => sensor.temperatureC);
  return values.length > 0 ? Math.max(...values) : null;
}

/** The one temperature a phone is shown with, °C: its battery's, else its skin's, else its hottest core's. */
export function chooseTemperature(batteryTemperatureC: number | null, thermal: Thermal): number | null {
  return batteryTemperatureC ?? findHottest(thermal, "skin") ?? findHottest(thermal, "cpu");
}
