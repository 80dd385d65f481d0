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
  const names = nameClusters(groups.length);
  return groups.map((group, index) => ({
    name: names[index]!,
    cpus: orderByPhysicalCore(group),
    maxMhz: group[0]!.maxMhz,
  }));
}

/** Names of that many clusters, fastest first, as in the literature. */
export function nameClusters(count: number): string[] {
  if (count === 1) return ["core"];
  if (count === 2) return ["large", "small"];
  return ["large", "med", "small", ...Array.from({ length: count - 3 }, (_, index) => `tiny${index || ""}`)];
}

/** CPUs of a group, one thread of each physical core first: two threads on one core are not what "2 cores" means. */
export function orderByPhysicalCore(group: readonly Pick<Core, "cpu" | "physical">[]): number[] {
  const byCore = new Map<string, number[]>();
  for (const core of [...group].sort((a, b) => a.cpu - b.cpu))
    byCore.set(core.physical, [...(byCore.get(core.physical) ?? []), core.cpu]);
  const threads = [...byCore.values()];
  const depth = Math.max(0, ...threads.map((list) => list.length));
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

/** The same without `0x`, as a phone's `taskset` takes it: toybox refuses any character that is no hexadecimal digit. */
export function formatPhoneMask(cpus: readonly number[]): string {
  return formatMask(cpus).slice(2);
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

const mostPhoneCoreSets = 64;

/**
 * Core sets of a phone: 1 to n cores of each cluster, then every combination of clusters when there are at most 64 in all
 * (1+3+4 cores have 39), else the fastest cores taken one more at a time. Any other is there by name: `composeCoreSet`.
 */
export function listPhoneCoreSets(clusters: readonly Cluster[]): CoreSet[] {
  const all = clusters.reduce((count, cluster) => count * (cluster.cpus.length + 1), 1) - 1;
  const counts = all <= mostPhoneCoreSets ? listCombinations(clusters) : listPrefixes(clusters);
  const joined = counts.filter((count) => countClusters(count) > 1);
  joined.sort((a, b) => countClusters(a) - countClusters(b));
  return [
    ...listCoreSets(clusters).filter((set) => !set.name.includes("+")),
    ...joined.map((count) => joinCores(clusters, count)),
  ];
}

function countClusters(counts: readonly number[]): number {
  return counts.filter((count) => count > 0).length;
}

function listCombinations(clusters: readonly Cluster[]): number[][] {
  let lists: number[][] = [[]];
  for (const cluster of clusters)
    lists = lists.flatMap((list) => Array.from({ length: cluster.cpus.length + 1 }, (_, n) => [...list, n]));
  return lists;
}

// All cores of the faster clusters and 1 to n of the next one.
function listPrefixes(clusters: readonly Cluster[]): number[][] {
  return clusters.flatMap((cluster, upTo) =>
    Array.from({ length: cluster.cpus.length }, (_, index) =>
      clusters.map((other, at) => (at < upTo ? other.cpus.length : at === upTo ? index + 1 : 0)),
    ),
  );
}

function joinCores(clusters: readonly Cluster[], counts: readonly number[]): CoreSet {
  const parts = clusters.flatMap((cluster, index) =>
    counts[index] ? [`${counts[index]}${cluster.name}`] : [],
  );
  return coreSet(
    parts.join("+"),
    clusters.flatMap((cluster, index) => cluster.cpus.slice(0, counts[index])),
  );
}

/**
 * The core set a name such as `1large+2small` means, its name in the usual order, fastest first; null when the name is not of
 * that form, names a cluster that is not there or twice, or asks for more cores than it has.
 */
export function composeCoreSet(clusters: readonly Cluster[], name: string): CoreSet | null {
  const counts = clusters.map(() => 0);
  const parts = name.split("+");
  if (parts.length > clusters.length) return null;
  for (const part of parts) {
    const match = /^([1-9]\d{0,3})([a-z][a-z\d]*)$/.exec(part.trim());
    const index = clusters.findIndex((cluster) => cluster.name === match?.[2]);
    if (!match || index < 0 || counts[index] !== 0) return null;
    counts[index] = Number(match[1]);
    if (counts[index] > clusters[index]!.cpus.length) return null;
  }
  return joinCores(clusters, counts);
}
