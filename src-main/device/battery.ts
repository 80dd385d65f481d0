import { parseNumber } from "./phoneText.ts";

/** What a phone tells of its battery and its power supply. */
export interface Battery {
  percent: number | null;
  temperatureC: number | null;
  charging: boolean | null;
  /** Power comes from outside, also where the battery is full or kept from charging. */
  powered: boolean | null;
  /** Power comes from a USB port. */
  usbPowered: boolean | null;
}

const nothing: Battery = {
  percent: null,
  temperatureC: null,
  charging: null,
  powered: null,
  usbPowered: null,
};

/** Reads `dumpsys battery`; a board without a battery has only `powered`. */
export function parseBattery(text: string): Battery {
  const fields = new Map<string, string>();
  for (const line of text.split("\n", 2000)) {
    const match = /^\s*([A-Za-z][\w ]{1,40}?)\s*:\s*([\w.-]+)\s*$/.exec(line);
    // The first one counts: behind the state some vendors print a log of earlier ones.
    if (match && !fields.has(match[1]!.toLowerCase())) fields.set(match[1]!.toLowerCase(), match[2]!);
  }
  const flags = ["ac powered", "usb powered", "wireless powered", "dock powered"].map((name) =>
    parseFlag(fields.get(name)),
  );
  const powered = flags.includes(true) ? true : flags.includes(false) ? false : null;
  const usbPowered = parseFlag(fields.get("usb powered"));
  if (parseFlag(fields.get("present")) === false) return { ...nothing, powered, usbPowered };
  const scale = parseNumber(fields.get("scale"), 1, 10_000) ?? 100;
  const level = parseNumber(fields.get("level"), 0, scale);
  return {
    percent: level === null ? null : Math.round((level / scale) * 100),
    temperatureC: parseTenths(fields.get("temperature")),
    charging: describeCharging(fields.get("status"), powered),
    powered,
    usbPowered,
  };
}

/** Reads tenths of a degree as Android and /sys/class/power_supply write them; null where it cannot be a battery's. */
export function parseTenths(text: string | undefined): number | null {
  const tenths = parseNumber(text, -400, 1200);
  // Exactly zero is what a gauge without a thermistor says.
  return tenths === null || tenths === 0 ? null : tenths / 10;
}

function parseFlag(text: string | undefined): boolean | null {
  return text === "true" ? true : text === "false" ? false : null;
}

// BatteryManager's numbers: 2 charging, 3 discharging, 4 not charging, 5 full; 1 is unknown.
function describeCharging(status: string | undefined, powered: boolean | null): boolean | null {
  const number = parseNumber(status, 2, 5);
  return number === null ? powered : number === 2 || number === 5;
}
