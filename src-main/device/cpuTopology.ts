import type { Cluster } from "../lab/contract.ts";
import { nameClusters, orderByPhysicalCore } from "./cores.ts";
import { cleanTextOrNull, parseNumber } from "./phoneText.ts";

/** What a phone tells of one CPU; null where a file is missing or must not be read. */
export interface PhoneCore {
  cpu: number;
  online: boolean;
  maxKhz: number | null;
  /** CPUs whose frequency is set together with this one's, offline ones too. */
  policy: number[] | null;
  /** CPUs the kernel's topology puts into the same cluster. */
  cluster: number[] | null;
  /** Hardware threads of the same physical core. */
  threads: number[] | null;
  /** Speed relative to the fastest core's 1024, as the scheduler sees it. */
  capacity: number | null;
  /** Implementer and part of /proc/cpuinfo. */
  part: string | null;
}

const highestCpu = 1023;

const cpuFiles = [
  "online",
  "cpu_capacity",
  "cpufreq/cpuinfo_max_freq",
  "cpufreq/related_cpus",
  "topology/cluster_cpus_list",
  "topology/core_siblings_list",
  "topology/package_cpus_list",
  "topology/thread_siblings_list",
];

/** Prints every file of /sys that tells clusters as `FILE: FIRST LINE`; the shell's own commands only, which cost nothing. */
export const cpuFilesCommand = `cd /sys/devices/system/cpu && for f in possible present online ${cpuFiles
  .map((file) => `cpu[0-9]*/${file}`)
  .join(
    " ",
  )} cpufreq/policy[0-9]*/related_cpus cpufreq/policy[0-9]*/cpuinfo_max_freq; do v=; read -r v <$f; [ -n "$v" ] && echo "$f: $v"; done`;

/** Reads CPUs as the kernel writes them: `0-3,6`, or one by one with spaces; null for anything else. */
export function parseCpus(text: string | undefined): number[] | null {
  if (text === undefined || text.length > 4096) return null;
  const cpus = new Set<number>();
  for (const part of text.split(/[\s,]+/).filter((one) => one !== "")) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last > highestCpu) return null;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus.size > 0 ? [...cpus].sort((a, b) => a - b) : null;
}

/** What /proc/cpuinfo tells: the processors it lists with implementer and part, and its hardware line. */
export interface CpuInfo {
  parts: Map<number, string | null>;
  hardware: string | null;
}

/** Reads /proc/cpuinfo of Arm (with parts) or any other processor (their numbers only). */
export function parseCpuInfo(text: string): CpuInfo {
  const parts = new Map<number, string | null>();
  let hardware: string | null = null;
  let cpu: number | null = null;
  let implementer = "";
  for (const line of text.split("\n")) {
    const field = /^([A-Za-z][\w ]{0,40}?)\s*:\s*(.*)$/.exec(line.slice(0, 400).trimEnd());
    if (!field) continue;
    const name = field[1]!.toLowerCase();
    // "Processor" with a capital is the model's name on 32-bit Arm kernels.
    if (field[1] === "processor") {
      cpu = parseNumber(field[2], 0, highestCpu);
      if (cpu !== null) parts.set(cpu, null);
    } else if (name === "cpu implementer") implementer = field[2]!.slice(0, 16);
    else if (name === "cpu part" && cpu !== null) parts.set(cpu, `${implementer}/${field[2]!.slice(0, 16)}`);
    else if (name === "hardware") hardware = cleanTextOrNull(field[2]);
  }
  return { parts, hardware };
}

/** Reads what `cpuFilesCommand` printed, with /proc/cpuinfo for what is missing; empty when neither tells of a CPU. */
export function parsePhoneCores(text: string, info: CpuInfo): PhoneCore[] {
  const files = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /(?:^|\/)((?:cpu\d{1,4}\/|cpufreq\/policy\d{1,4}\/)?[a-z][\w/]{1,60}):\s*(.*)$/.exec(line);
    if (match && !files.has(match[1]!)) files.set(match[1]!, match[2]!.trim());
  }
  const seen = [...files.keys()]
    .map((name) => /^cpu(\d{1,4})\//.exec(name)?.[1])
    .filter((cpu) => cpu !== undefined);
  const cpus =
    parseCpus(files.get("present")) ??
    parseCpus(files.get("possible")) ??
    parseCpus(seen.join(",")) ??
    parseCpus(files.get("online")) ??
    [...info.parts.keys()].sort((a, b) => a - b);
  const online = parseCpus(files.get("online"));
  const policies = listPolicies(files);
  const told = cpus.map((cpu): PhoneCore => {
    const file = (name: string) => files.get(`cpu${cpu}/${name}`);
    const list = (name: string) => parseCpus(file(name));
    const policy = policies.find(({ related }) => related.includes(cpu));
    return {
      cpu,
      online: online ? online.includes(cpu) : file("online") !== "0",
      maxKhz: parseKhz(file("cpufreq/cpuinfo_max_freq")) ?? policy?.maxKhz ?? null,
      policy: policy?.related ?? null,
      cluster: null,
      threads: list("topology/thread_siblings_list"),
      capacity: parseNumber(file("cpu_capacity"), 1, 100_000),
      part: info.parts.get(cpu) ?? null,
    };
  });
  // Where the kernel knows no clusters, cluster_cpus_list names each CPU alone and says nothing.
  for (const name of ["cluster_cpus_list", "core_siblings_list", "package_cpus_list"]) {
    const lists = told.map(({ cpu }) => parseCpus(files.get(`cpu${cpu}/topology/${name}`)));
    if (!lists.some((list) => list !== null && (list.length > 1 || told.length === 1))) continue;
    told.forEach((core, index) => (core.cluster = lists[index] ?? null));
    break;
  }
  return told;
}

function listPolicies(files: ReadonlyMap<string, string>): { related: number[]; maxKhz: number | null }[] {
  const policies: { related: number[]; maxKhz: number | null }[] = [];
  for (const [name, value] of files) {
    const folder = /^(cpufreq\/policy\d+|cpu\d+\/cpufreq)\/related_cpus$/.exec(name)?.[1];
    const related = folder === undefined ? null : parseCpus(value);
    if (related) policies.push({ related, maxKhz: parseKhz(files.get(`${folder}/cpuinfo_max_freq`)) });
  }
  return policies;
}

function parseKhz(text: string | undefined): number | null {
  return parseNumber(text, 10_000, 20_000_000);
}

/**
 * Groups a phone's CPUs into clusters, fastest first, named `large`, `med`, `small`, `tiny`: by frequency policy, else the
 * kernel's topology, else highest frequency, else capacity, else the core's type, else all in one. Names come from all CPUs, so
 * that they stay when some go offline; the clusters hold online CPUs only.
 */
export function groupPhoneClusters(cores: readonly PhoneCore[]): Cluster[] {
  const groups = groupCores(cores);
  // Capacity tells a slow kind of core at a high clock from a fast one; where it is not told of all, the clock must do.
  const fields = (["capacity", "maxKhz"] as const).filter((field) =>
    groups.every((group) => highest(group, field) !== null),
  );
  groups.sort((a, b) => {
    for (const field of fields) {
      const difference = highest(b, field)! - highest(a, field)!;
      if (difference !== 0) return difference;
    }
    // Nothing tells which are faster: on most phones those with the higher numbers.
    return b[0]!.cpu - a[0]!.cpu;
  });
  const names = nameClusters(groups.length);
  return groups
    .map((group, index): Cluster => {
      const khz = highest(group, "maxKhz");
      const online = group.filter((core) => core.online);
      return {
        name: names[index]!,
        cpus: orderByPhysicalCore(
          online.map(({ cpu, threads }) => ({ cpu, physical: (threads ?? [cpu]).join() })),
        ),
        maxMhz: khz === null ? null : khz / 1000,
      };
    })
    .filter((cluster) => cluster.cpus.length > 0);
}

function highest(group: readonly PhoneCore[], field: "capacity" | "maxKhz"): number | null {
  const values = group.map((core) => core[field]).filter((value) => value !== null);
  return values.length > 0 ? Math.max(...values) : null;
}

function groupCores(cores: readonly PhoneCore[]): PhoneCore[][] {
  if (cores.some((core) => core.policy !== null)) return mergeAlike(groupByPolicy(cores));
  if (cores.some((core) => core.cluster !== null))
    // One cluster of DynamIQ may hold several kinds of cores, which its topology does not tell.
    return groupBy(cores, (core) => `${core.cluster?.join() ?? "none"}|${core.capacity}|${core.maxKhz}`);
  for (const field of ["maxKhz", "capacity", "part"] as const)
    if (cores.some((core) => core[field] !== null)) return groupBy(cores, (core) => String(core[field]));
  return cores.length > 0 ? [[...cores]] : [];
}

function groupBy(cores: readonly PhoneCore[], key: (core: PhoneCore) => string): PhoneCore[][] {
  const groups = new Map<string, PhoneCore[]>();
  for (const core of cores) {
    // What an offline CPU is cannot be asked: its files are gone. It must not make a cluster of its own.
    const known = core.online || core.maxKhz !== null || core.capacity !== null;
    if (known) groups.set(key(core), [...(groups.get(key(core)) ?? []), core]);
  }
  return [...groups.values()];
}

function groupByPolicy(cores: readonly PhoneCore[]): PhoneCore[][] {
  return groupBy(
    cores.filter((core) => core.policy !== null || core.online),
    (core) => core.policy?.join() ?? `none|${core.cluster?.join() ?? ""}|${core.maxKhz}|${core.capacity}`,
  );
}

// Some chips set each core's frequency alone; then equal cores of one cluster come as several policies.
function mergeAlike(groups: PhoneCore[][]): PhoneCore[][] {
  const merged: PhoneCore[][] = [];
  for (const group of groups) {
    const alike = merged.find(
      (other) =>
        highest(other, "maxKhz") === highest(group, "maxKhz") &&
        highest(other, "capacity") === highest(group, "capacity") &&
        other.some((core) => core.cluster !== null && group.some(({ cpu }) => core.cluster!.includes(cpu))),
    );
    if (alike) alike.push(...group);
    else merged.push([...group]);
  }
  return merged;
}

/** CPUs that are there but switched off. */
export function listOfflineCpus(cores: readonly PhoneCore[]): number[] {
  return cores.filter((core) => !core.online).map((core) => core.cpu);
}
