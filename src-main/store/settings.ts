import type { LabSettings } from "../lab/contract.ts";
import { readConsistently, runInTransaction, type Store } from "./database.ts";

/** What a new lab starts with. */
export const defaultSettings: Readonly<LabSettings> = {
  adbPath: null,
  adbServers: [],
  wifiPhones: [],
  phoneCacheBytes: 2_000_000_000,
  startTemperatureC: 38,
};

/** The lab's settings; one nobody set, or that this version cannot read, has its default. */
export function readSettings(store: Store): LabSettings {
  const rows = readConsistently(store, () =>
    store.statement<{ name: string; value: string }>("SELECT name, value FROM setting").all(),
  );
  const stored = new Map(rows.map(({ name, value }) => [name, parseValue(value)]));
  const pick = <K extends keyof LabSettings>(name: K): LabSettings[K] => {
    const value = stored.get(name);
    return fits[name](value) ? (value as LabSettings[K]) : structuredClone(defaultSettings[name]);
  };
  return {
    adbPath: pick("adbPath"),
    adbServers: pick("adbServers"),
    wifiPhones: pick("wifiPhones"),
    phoneCacheBytes: pick("phoneCacheBytes"),
    startTemperatureC: pick("startTemperatureC"),
  };
}

/** Stores the given settings, leaves the others, and gives all. */
export function writeSettings(store: Store, changes: Partial<LabSettings>): LabSettings {
  return runInTransaction(store, () => {
    const write = store.statement("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)");
    for (const name of Object.keys(defaultSettings) as (keyof LabSettings)[])
      if (changes[name] !== undefined) write.run(name, JSON.stringify(changes[name]));
    return readSettings(store);
  });
}

// A later version may give a name another meaning; what does not fit is not taken.
const fits: { [K in keyof LabSettings]: (value: unknown) => boolean } = {
  adbPath: (value) => value === null || typeof value === "string",
  adbServers: isTextList,
  wifiPhones: isTextList,
  phoneCacheBytes: isAmount,
  startTemperatureC: isAmount,
};

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
