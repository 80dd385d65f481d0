export type GpuVendor = "adreno" | "mali" | "powervr" | "apple" | "amd" | "intel" | "nvidia" | "unknown";

/** What the kernel rules ask of a GPU; read from its name as its driver gives it. */
export interface GpuDevice {
  name: string;
  vendor: GpuVendor;
  /**
   * Adreno: `2xx` to `7xx` of the delegate's table, `unknown` for names that are not in it. Mali: `midgard`, `bifrost1`, `bifrost2`,
   * `bifrost3`, `valhall` or `unknown`. Empty for the rest.
   */
  generation: string;
  /** Compute units (shader cores, GPU cores) as OpenCL or Metal tells them. */
  computeUnits: number;
  /** False when the name does not tell and `computeUnits` is a usual number of its kind. */
  computeUnitsKnown: boolean;
}

/** Adreno names the delegate knows (gpu_info.cc, GetAdrenoGpuVersion); others count as unknown Adreno. */
const adrenoTable: Record<string, readonly number[]> = {
  "7xx": [730, 740, 750],
  "6xx": [685, 680, 675, 660, 650, 640, 630, 620, 618, 616, 615, 612, 610, 605],
  "5xx": [540, 530, 512, 510, 509, 508, 506, 505, 504],
  "4xx": [430, 420, 418, 405],
  "3xx": [330, 320, 308, 306, 305, 304],
  "2xx": [225, 220, 205, 203, 200],
};

/** Mali names by architecture (gpu_info.cc, GetMaliGpuVersion); T stands for Midgard. */
const maliTable: Record<string, readonly string[]> = {
  bifrost1: ["G31", "G51", "G71"],
  bifrost2: ["G52", "G72"],
  bifrost3: ["G76"],
  valhall: ["G57", "G77", "G68", "G78", "G310", "G510", "G610", "G710", "G615", "G715"],
};

// Compute units OpenCL tells on these Adreno parts; larger parts have more.
const adrenoUnits: Record<number, number> = {
  505: 1,
  506: 1,
  508: 1,
  509: 1,
  510: 1,
  512: 2,
  530: 4,
  540: 4,
  605: 1,
  610: 1,
  612: 1,
  615: 1,
  616: 1,
  618: 1,
  620: 1,
  630: 2,
  640: 2,
  650: 3,
  660: 3,
  675: 3,
  680: 3,
  685: 3,
  730: 4,
  740: 6,
  750: 6,
};

// Shader cores of the phones these Mali parts are mostly found in; the MP or MC in a name is better.
const maliUnits: Record<string, number> = {
  G31: 2,
  G51: 4,
  G52: 2,
  G57: 2,
  G68: 4,
  G71: 8,
  G72: 12,
  G76: 12,
  G77: 11,
  G78: 20,
  G310: 1,
  G510: 4,
  G610: 4,
  G615: 6,
  G710: 7,
  G715: 7,
};

// GPU cores of Apple's chips for phones.
const appleUnits: Record<number, number> = {
  7: 4,
  8: 4,
  9: 6,
  10: 6,
  11: 3,
  12: 4,
  13: 4,
  14: 4,
  15: 5,
  16: 5,
  17: 6,
  18: 6,
};

/**
 * Reads a GPU's name as its driver gives it (`Adreno (TM) 640`, `Mali-G76 MP12`, `PowerVR Rogue GE8320`, `Apple A10 GPU`). The
 * vendor is found as the delegate finds it, by words in the lower-case name (gpu_info.cc, GetGpuVendor).
 */
export function readGpuDevice(name: string): GpuDevice {
  const lower = name.toLowerCase();
  const vendor = findVendor(lower);
  const unknown = { name, vendor, generation: "", computeUnits: 1, computeUnitsKnown: false };
  if (vendor === "adreno") return { ...unknown, ...readAdreno(lower) };
  if (vendor === "mali") return { ...unknown, ...readMali(name) };
  if (vendor === "apple") return { ...unknown, ...readApple(lower) };
  // Rogue parts of phones have one cluster or two; OpenCL tells the delegate one unit for the GE8320.
  if (vendor === "powervr") return { ...unknown, computeUnitsKnown: /ge8320/.test(lower) };
  return unknown;
}

const vendorWords: readonly (readonly [RegExp, GpuVendor])[] = [
  [/adreno|qualcomm/, "adreno"],
  [/mali|immortalis/, "mali"],
  [/powervr|imagination/, "powervr"],
  [/apple/, "apple"],
  [/intel/, "intel"],
  [/nvidia|tegra/, "nvidia"],
  [/amd|radeon|xclipse/, "amd"],
];

function findVendor(lower: string): GpuVendor {
  return vendorWords.find(([words]) => words.test(lower))?.[1] ?? "unknown";
}

type Reading = Pick<GpuDevice, "generation" | "computeUnits" | "computeUnitsKnown">;

function readAdreno(lower: string): Reading {
  const text = /(?:adreno\D*)?\b(\d{3})([a-z]?)\b/.exec(lower);
  const model = Number(text?.[1] ?? 0);
  // A letter makes another part: the delegate's table has no 642L.
  const listed = text?.[2] ? undefined : Object.entries(adrenoTable).find(([, list]) => list.includes(model));
  const units = adrenoUnits[model];
  return {
    generation: listed?.[0] ?? "unknown",
    computeUnits: units ?? (model >= 700 ? 4 : 2),
    computeUnitsKnown: units !== undefined,
  };
}

function readMali(name: string): Reading {
  const model = /(?:mali|immortalis)[- ]?([gt]\d+)/i.exec(name)?.[1]?.toUpperCase() ?? "";
  const cores = Number(/\b(?:MP|MC)\s?(\d+)/i.exec(name)?.[1] ?? 0);
  const generation = model.startsWith("T")
    ? "midgard"
    : (Object.entries(maliTable).find(([, list]) => list.includes(model))?.[0] ?? "unknown");
  return {
    generation,
    computeUnits: cores || (maliUnits[model] ?? 4),
    computeUnitsKnown: cores > 0,
  };
}

function readApple(lower: string): Reading {
  const chip = Number(/\ba(\d+)\b/.exec(lower)?.[1] ?? 0);
  const units = appleUnits[chip];
  return {
    generation: chip > 0 ? `a${chip}` : "",
    computeUnits: units ?? 4,
    computeUnitsKnown: units !== undefined,
  };
}
