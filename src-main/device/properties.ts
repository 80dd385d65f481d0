import { cleanText, cleanTextOrNull, parseNumber } from "./phoneText.ts";

const mostProperties = 20_000;
const longestValue = 4096;

/**
 * Reads what `getprop` prints, `[name]: [value]` a line. Values may go over several lines; lines without brackets
 * (`name: value`, `name=value`, as some vendors' tools write them) are read too, anything else is passed over.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  let open: { name: string; value: string } | null = null;
  const keep = (name: string, value: string) => {
    if (!properties.has(name) && properties.size < mostProperties)
      properties.set(name, value.slice(0, longestValue));
  };
  for (const raw of text.split("\n")) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const start = /^\[([^\][\s]{1,200})\]:\s*\[(.*)$/.exec(line);
    if (open && !start) {
      const ends = line.endsWith("]");
      if (open.value.length < longestValue) open.value += `\n${ends ? line.slice(0, -1) : line}`;
      if (ends) {
        keep(open.name, open.value);
        open = null;
      }
      continue;
    }
    // A new property begins before the last one's bracket: that one was cut off, what there is of it still counts.
    if (open) keep(open.name, open.value);
    open = null;
    if (start) {
      if (start[2]!.endsWith("]")) keep(start[1]!, start[2]!.slice(0, -1));
      else open = { name: start[1]!, value: start[2]! };
      continue;
    }
    const bare = /^\[?([A-Za-z][\w.@:-]{0,199}?)\]?\s*[:=]\s*\[?(.*?)\]?$/.exec(line);
    if (bare?.[1]?.includes(".")) keep(bare[1], bare[2]!);
  }
  if (open) keep(open.name, open.value);
  return properties;
}

/** The first of these properties that says something, as one printable line. */
export function readProperty(properties: ReadonlyMap<string, string>, ...names: string[]): string | null {
  for (const name of names) {
    const value = cleanTextOrNull(properties.get(name));
    if (value !== null && value.toLowerCase() !== "unknown") return value;
  }
  return null;
}

// Where a vendor puts the name a phone is sold under; ro.product.model is often a number such as SM-G991B.
const marketNames = [
  "ro.product.marketname",
  "ro.product.odm.marketname",
  "ro.product.vendor.marketname",
  "ro.config.marketing_name",
  "ro.vendor.oplus.market.name",
  "ro.oppo.market.name",
  "ro.vivo.market.name",
  "ro.vendor.product.display",
];

const manufacturerNames = ["ro.product.manufacturer", "ro.product.vendor.manufacturer", "ro.product.brand"];
const modelNames = ["ro.product.model", "ro.product.vendor.model", "ro.product.device"];

/** Who made the phone, as it says so. */
export function readManufacturer(properties: ReadonlyMap<string, string>): string | null {
  return readProperty(properties, ...manufacturerNames);
}

/** Its model as it says so, often a number. */
export function readModel(properties: ReadonlyMap<string, string>): string | null {
  return readProperty(properties, ...modelNames);
}

/** What people call the phone, e.g. `Google Pixel 8`; null when it does not say. */
export function describePhoneName(properties: ReadonlyMap<string, string>): string | null {
  const manufacturer = readManufacturer(properties);
  const model = readProperty(properties, ...marketNames) ?? readModel(properties);
  if (model === null) return null;
  if (manufacturer === null) return model;
  if (model.toLowerCase().startsWith(manufacturer.toLowerCase())) return capitalise(model);
  return cleanText(`${capitalise(manufacturer)} ${model}`);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Names that say what kind of board it is, not which; the properties after them are more exact.
const vagueChips = new Set([
  "qcom",
  "msm",
  "mtk",
  "exynos",
  "exynos5",
  "default",
  "generic",
  "android",
  "samsung",
  "unknown",
]);

/**
 * The system on chip, e.g. `Qualcomm SM8350`: ro.soc.* of Android 12, else the boards' older properties in the order in which
 * they are exact, else the hardware line of /proc/cpuinfo; null when nothing says.
 */
export function describeSoc(properties: ReadonlyMap<string, string>, hardware: string | null): string | null {
  const model = readProperty(properties, "ro.soc.model");
  if (model !== null) {
    const told = readProperty(properties, "ro.soc.manufacturer");
    const maker = told === "QTI" ? "Qualcomm" : told;
    return maker === null || model.toLowerCase().startsWith(maker.toLowerCase())
      ? model
      : cleanText(`${maker} ${model}`);
  }
  const older = [
    "ro.board.platform",
    "ro.hardware",
    "ro.product.board",
    "ro.mediatek.platform",
    "ro.chipname",
    "ro.hardware.chipname",
    "ro.arch",
  ].map((name) => readProperty(properties, name));
  const exact = older.find((value) => value !== null && !vagueChips.has(value.toLowerCase()));
  return exact ?? cleanTextOrNull(hardware) ?? older.find((value) => value !== null) ?? null;
}

/** All ABIs the phone runs, best first, e.g. `arm64-v8a`. */
export function readAbis(properties: ReadonlyMap<string, string>): string[] {
  const listed = [
    properties.get("ro.product.cpu.abi"),
    properties.get("ro.product.cpu.abilist"),
    properties.get("ro.vendor.product.cpu.abilist"),
    properties.get("ro.product.cpu.abi2"),
  ]
    .flatMap((value) => (value ?? "").split(","))
    .map((abi) => abi.trim())
    .filter((abi) => /^[a-z][\w-]{1,31}$/.test(abi));
  return [...new Set(listed)].slice(0, 8);
}

/** Android's API level, e.g. 34. */
export function readSdk(properties: ReadonlyMap<string, string>): number | null {
  return parseNumber(properties.get("ro.build.version.sdk"), 1, 10_000);
}
