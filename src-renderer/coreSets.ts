/** Composing core sets from the clusters of a device. */
import type { Cluster, CoreSet, Device } from "../src-main/lab/contract.ts";

/** How many cores of each cluster are chosen, by the cluster's name. */
export type CoreCounts = Readonly<Record<string, number>>;

/** The cores of a cluster that are online, in the order they are taken. */
export function listOnline(cluster: Cluster, offlineCpus: readonly number[]): number[] {
  return cluster.cpus.filter((cpu) => !offlineCpus.includes(cpu));
}

/** The cores of a device that are offline, as the phone tells; none on this computer. */
export function listOffline(device: Device): number[] {
  return device.phone?.offlineCpus ?? [];
}

/** Offline cores that no cluster names, because a core that is off does not tell its frequency. */
export function listStray(device: Device): number[] {
  const known = new Set(device.clusters.flatMap((cluster) => cluster.cpus));
  return listOffline(device).filter((cpu) => !known.has(cpu));
}

/**
 * The core set of so many cores of each cluster, e.g. `1large+2small` with its mask; null when none is chosen. Cores of one
 * cluster are alike, so the first online ones are taken.
 */
export function composeCoreSet(
  clusters: readonly Cluster[],
  counts: CoreCounts,
  offlineCpus: readonly number[] = [],
): CoreSet | null {
  const parts: string[] = [];
  const cpus: number[] = [];
  for (const cluster of clusters) {
    const online = listOnline(cluster, offlineCpus);
    const count = Math.min(online.length, Math.max(0, counts[cluster.name] ?? 0));
    if (count === 0) continue;
    parts.push(`${count}${cluster.name}`);
    cpus.push(...online.slice(0, count));
  }
  if (cpus.length === 0) return null;
  let mask = 0n;
  for (const cpu of cpus) mask |= 1n << BigInt(cpu);
  return { name: parts.join("+"), mask: `0x${mask.toString(16)}`, cpus };
}

/** The counts that a core set's name tells, e.g. of `1large+2small`; null when it names no cores of these clusters. */
export function readCoreSet(name: string, clusters: readonly Cluster[]): Record<string, number> | null {
  const counts: Record<string, number> = {};
  for (const part of name.split("+")) {
    const [, count, cluster] = /^([1-9]\d{0,3})(\D.*)$/.exec(part) ?? [];
    const found = clusters.find((candidate) => candidate.name === cluster);
    if (!found || counts[found.name] !== undefined || Number(count) > found.cpus.length) return null;
    counts[found.name] = Number(count);
  }
  return counts;
}

/**
 * The counts after a press on the block at `place` of a cluster: a block that is not chosen chooses those up to it, a chosen
 * one gives itself and those after it back.
 */
export function pressCore(counts: CoreCounts, cluster: string, place: number): Record<string, number> {
  const chosen = counts[cluster] ?? 0;
  return { ...counts, [cluster]: place < chosen ? place : place + 1 };
}
