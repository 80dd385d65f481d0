import type { ThermalStatus } from "../lab/contract.ts";
import { parseBattery, parseTenths } from "./battery.ts";
import { parseLoad } from "./phoneLoad.ts";
import { averageMhz } from "./phoneProbe.ts";
import { joinSections, splitSections } from "./shellSections.ts";
import { chooseTemperature, findHottest, parseThermal } from "./thermal.ts";

/** What a phone tells at one moment; null where it tells nothing. */
export interface PhoneTelemetry {
  /** When the answer was read, ISO 8601. */
  at: string;
  /** Mean of the given cores' current frequencies, MHz. */
  frequencyMhz: number | null;
  /** The temperature that is shown and kept with measurements, °C: the battery's, else the skin's, else the hottest core's. */
  temperatureC: number | null;
  /**
   * °C. Pacing compares this one with the start temperature: it follows the heat stored in the phone, where cores cool within a
   * second. A board without a battery has null and is paced by its thermal status alone.
   */
  batteryTemperatureC: number | null;
  /** Hottest core, °C. */
  cpuTemperatureC: number | null;
  thermalStatus: ThermalStatus | null;
  /** Load average of the last minute. */
  load: number | null;
}

const mark = "@@latlab-telemetry";

/**
 * One shell line that asks frequency of the given cores, load, battery and thermal state. The first three are files read by the
 * shell itself; a process is started for the thermal service only, and for the battery where its file must not be read.
 */
export function telemetryCommand(cpus: readonly number[]): string {
  const numbers = cpus.filter((cpu) => Number.isSafeInteger(cpu) && cpu >= 0);
  return joinSections(
    {
      frequency: `for c in ${numbers.join(" ")}; do v=; read -r v </sys/devices/system/cpu/cpu$c/cpufreq/scaling_cur_freq; echo "$v"; done`,
      load: 'v=; read -r v </proc/loadavg; echo "$v"',
      battery:
        'v=; read -r v </sys/class/power_supply/battery/temp; if [ -n "$v" ]; then echo "$v"; else dumpsys battery; fi',
      thermal: "dumpsys thermalservice",
    },
    mark,
  );
}

/** Reads what `telemetryCommand` printed; anything else gives nulls. */
export function parseTelemetry(text: string, now = new Date()): PhoneTelemetry {
  const sections = splitSections(text, mark);
  const said = (name: string) => sections.get(name) ?? "";
  const battery = said("battery").trim();
  const batteryTemperatureC = /^-?\d+$/.test(battery)
    ? parseTenths(battery)
    : parseBattery(battery).temperatureC;
  const thermal = parseThermal(said("thermal"));
  return {
    at: now.toISOString(),
    frequencyMhz: averageMhz(said("frequency").split("\n")),
    temperatureC: chooseTemperature(batteryTemperatureC, thermal),
    batteryTemperatureC,
    cpuTemperatureC: findHottest(thermal, "cpu"),
    thermalStatus: thermal.status,
    load: parseLoad(said("load")),
  };
}
