import type { Cluster, CoreSet } from "../lab/contract.ts";

/** What a core's files under /sys tell: its highest frequency and which physical core it is a thread of. */
export interface Core {
  cpu: number;
  maxMhz: number | null;
  /** Equal for the hardware threads of one physical core, unique otherwise. */
  physical: string;
}

// Two clusters closer than this in frequency are one: boost bins of equal cores differ by a few percent.
const sameClusterRatio = 1.12;

/**
 * Groups cores into clusters by highest frequency, fastest first, named as in the literature: `large`, `med`, `small`.
 * A computer whose cores are all alike has one cluster, named `core`.
 */
export function groupClusters(cores: readonly Core[]): Cluster[] {
  const sorted = [...cores].sort((a, b) => (b.maxMhz ?? 0) - (a.maxMhz ?? 0) || a.cpu - b.cpu);
  const groups: Core[][] = [];
  for (const core of sorted) {
    const last = groups.at(-1);
    const reference = last?.[0]?.maxMhz ?? 0;
    if (last && reference <= (core.maxMhz ?? 0) * sameClusterRatio) last.push(core);
    else groups.push([core]);
  }
  const names =
    groups.length === 1
      ? ["core"]
      : groups.length === 2
        ? ["large", "small"]
        : ["large", "med", "small", ...groups.slice(3).map((_, index) => `tiny${index || ""}`)];
  return groups.map((group, index) => ({
    name: names[index]!,
    cpus: orderByPhysicalCore(group),
    maxMhz: group[0]!.maxMhz,
  }));
}

// One thread of each physical core first: two threads on one core are not what "2 cores" means.
function orderByPhysicalCore(group: readonly Core[]): number[] {
  const byCore = new Map<string, number[]>();
  for (const core of [...group].sort((a, b) => a.cpu - b.cpu))
    byCore.set(core.physical, [...(byCore.get(core.physical) ?? []), core.cpu]);
  const threads = [...byCore.values()];
  const depth = Math.max(...threads.map((list) => list.length));
  return Array.from({ length: depth }, (_, level) =>
    threads.flatMap((list) => list.slice(level, level + 1)),
  ).flat();
}

/** Hexadecimal affinity mask of a list of CPU numbers, e.g. [0, 1] is `0x3`. */
export function formatMask(cpus: readonly number[]): string {
  let mask = 0n;
  for (const cpu of cpus) mask |= 1n << BigInt(cpu);
  return `0x${mask.toString(16)}`;
}

/**
 * Core sets worth measuring: 1 to n cores of each cluster (every count up to 8, then powers of two and all) and, where there
 * are several clusters, all cores of the faster ones together.
 */
export function listCoreSets(clusters: readonly Cluster[]): CoreSet[] {
  const sets: CoreSet[] = [];
  for (const cluster of clusters) {
    const size = cluster.cpus.length;
    for (let count = 1; count <= size; count++) {
      const listed = count <= 8 || count === size || (count & (count - 1)) === 0;
      if (listed) sets.push(coreSet(`${count}${cluster.name}`, cluster.cpus.slice(0, count)));
    }
  }
  for (let upTo = 2; upTo <= clusters.length; upTo++) {
    const joined = clusters.slice(0, upTo);
    sets.push(
      coreSet(
        joined.map((cluster) => `${cluster.cpus.length}${cluster.name}`).join("+"),
        joined.flatMap((cluster) => cluster.cpus),
      ),
    );
  }
  return sets;
}

function coreSet(name: string, cpus: number[]): CoreSet {
  return { name, mask: formatMask(cpus), cpus };
}
