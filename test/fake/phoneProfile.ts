import { readFileSync, readdirSync } from "node:fs";

/** How a phone's GPU delegate behaves in its benchmark program. */
export type GpuBehaviour = "opencl" | "opengl" | "partial" | "none";

/** Cores that share a clock. Frequencies in kHz, as the kernel writes them. */
export interface ProfileCluster {
  cpus: number[];
  maxKhz: number;
  minKhz: number;
  curKhz: number;
  /** `CPU part` of /proc/cpuinfo. */
  part: string;
  capacity: number;
}

/** A described phone: a data file in `phones/`. */
export interface PhoneProfile {
  product: string;
  model: string;
  device: string;
  sdk: number;
  /** adbd that still sums payload bytes. */
  oldProtocol?: boolean;
  properties: Record<string, string>;
  online: string;
  possible: string;
  clusters: ProfileCluster[];
  cpufreq: boolean;
  /** The files of cpuN/topology that name the cores of a cluster. `all` writes every core of the phone into it. */
  topology: Record<string, "cluster" | "all">;
  cpuCapacity: boolean;
  gpu: {
    behaviour: GpuBehaviour;
    /** The GLES line of SurfaceFlinger; null where it has none. */
    gles: string | null;
    /** Operators that stay on the CPU when the behaviour is `partial`. */
    unsupported?: string[];
  };
  /** Format of dumpsys thermalservice; null before Android 10. */
  thermal: "old" | "new" | null;
  temperatureC: number;
  fixedPerformance: "supported" | "no-hal" | "unknown-command";
  memoryKb: number;
  freeBytes: number;
  kernel: string;
  /** Further files by path, with their text; a trailing newline is added. */
  files: Record<string, string>;
}

const folder = new URL("./phones/", import.meta.url);

/** Names of the described phones. */
export function listProfiles(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5))
    .sort();
}

/** Reads a described phone by name. */
export function readProfile(name: string): PhoneProfile {
  const names = listProfiles();
  if (!names.includes(name))
    throw new Error(`There is no fake phone "${name}"; there are ${names.join(", ")}.`);
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as PhoneProfile;
}

/** The cores of a list as the kernel writes it: `0-3,6`. */
export function parseCpuList(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [from, to] = part.split("-").map(Number) as [number, number | undefined];
    return Array.from({ length: (to ?? from) - from + 1 }, (_, index) => from + index);
  });
}

/** Cores as the kernel lists them: `0-3,6`. */
export function formatCpuList(cpus: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < cpus.length;) {
    let end = at;
    while (cpus[end + 1] === cpus[end]! + 1) end++;
    parts.push(end > at ? `${cpus[at]}-${cpus[end]}` : String(cpus[at]));
    at = end + 1;
  }
  return parts.join(",");
}
