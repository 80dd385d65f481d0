import { parseNumber } from "./phoneText.ts";

export type Wakefulness = "asleep" | "awake" | "dreaming" | "dozing";

/** What a phone's power manager tells. */
export interface PowerState {
  wakefulness: Wakefulness | null;
  /** Some display is on; false also for one that dozes with the time on it. */
  displayOn: boolean | null;
  /** Kept awake now because it is plugged in. */
  stayOn: boolean | null;
  /** Sources of power that keep it awake: 1 mains, 2 USB, 4 wireless, 8 dock; 0 is none. */
  stayOnSources: number | null;
  lowPower: boolean | null;
}

/** Prints the lines of the power manager that tell the screen, without the thousands about everything else. */
export const powerCommand =
  "dumpsys power | grep -iE 'wakefulness|display power|screenon|screen_on|mInteractive|stayon|low_?power|battery ?saver|HoldingDisplay'";

const wakefulnesses: readonly Wakefulness[] = ["asleep", "awake", "dreaming", "dozing"];

/** Reads `dumpsys power` of Android 4 to now, whole or only the lines of `powerCommand`. */
export function parsePower(text: string): PowerState {
  return {
    wakefulness: parseWakefulness(text),
    displayOn: parseDisplay(text),
    stayOn: parseFlag(text, /\bmStayOn\s*=\s*(true|false)\b/),
    stayOnSources: parseNumber(/\bmStayOnWhilePluggedInSetting\s*=\s*(\d+)\b/.exec(text)?.[1], 0, 255),
    lowPower:
      parseFlag(text, /\bmLowPowerModeEnabled\s*=\s*(true|false)\b/) ??
      parseFlag(text, /\bm?(?:Is)?BatterySaverEnabled\s*=\s*(true|false)\b/i) ??
      parseFlag(text, /\bBattery Saver is currently:\s*(ON|OFF)\b/i),
  };
}

function parseWakefulness(text: string): Wakefulness | null {
  const word = /\bm?Wakefulness(?:Raw)?\s*[=:]\s*(?:WAKEFULNESS_)?(\w+)/i.exec(text)?.[1]?.toLowerCase();
  if (word === undefined) return null;
  const number = parseNumber(word, 0, 3);
  return (
    (number === null ? undefined : wakefulnesses[number]) ?? wakefulnesses.find((one) => one === word) ?? null
  );
}

function parseDisplay(text: string): boolean | null {
  const states = [...text.matchAll(/\bDisplay Power:\s*state\s*=\s*([A-Z]+)/gi)].slice(0, 32);
  // A folding phone has several, of which one is on.
  if (states.length > 0) return states.some((state) => state[1]!.toUpperCase() === "ON");
  if (/\bmPowerState\s*=.{0,200}SCREEN_ON_BIT/.test(text)) return true;
  return (
    parseFlag(text, /\bm?ScreenOn\s*=\s*(true|false)\b/i) ??
    parseFlag(text, /\bmInteractive\s*=\s*(true|false)\b/) ??
    parseFlag(text, /\bmHoldingDisplaySuspendBlocker\s*=\s*(true|false)\b/)
  );
}

function parseFlag(text: string, pattern: RegExp): boolean | null {
  const word = pattern.exec(text)?.[1]?.toLowerCase();
  return word === undefined ? null : word === "true" || word === "on";
}

/** Whether the screen is on and the phone awake; null when it tells neither. */
export function isScreenOn(power: PowerState): boolean | null {
  if (power.wakefulness === "asleep" || power.wakefulness === "dozing") return false;
  if (power.wakefulness === null) return power.displayOn;
  return power.displayOn !== false;
}

/** Reads `settings get global low_power`; a setting nobody ever touched is `null`, which means off. */
export function parseLowPower(text: string): boolean | null {
  const word = text.trim();
  if (word === "1") return true;
  return word === "0" || word === "null" ? false : null;
}
