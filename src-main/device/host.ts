import { arch, availableParallelism, cpus, hostname, release, totalmem, type } from "node:os";
import type { Device } from "../lab/contract.ts";
import { type Core, groupClusters, listCoreSets } from "./cores.ts";
import { readNumber, readTelemetry, readText } from "./hostTelemetry.ts";

/** What the TFLite library of this computer is, or why there is none. */
export interface HostRuntime {
  version: string | null;
  problem: string | null;
}

/** Describes this computer as a device. The noise floor, speed and business of the device are the lab's to fill in. */
export function describeHost(runtime: HostRuntime): Device {
  const clusters = groupClusters(listHostCores());
  const coreSets = listCoreSets(clusters);
  const telemetry = readTelemetry(clusters.flatMap((cluster) => cluster.cpus));
  return {
    id: "host",
    name: hostname(),
    kind: "host",
    state: runtime.problem ? "unavailable" : "ready",
    problem: runtime.problem,
    soc: describeProcessor(),
    gpu: null,
    abi: arch(),
    os: describeSystem(),
    memoryBytes: totalmem(),
    clusters,
    coreSets,
    runtimes: ["tflite", "xnnpack"],
    precisions: ["float32", "int8"],
    runtimeVersion: runtime.version,
    load: telemetry.load,
    temperatureC: telemetry.temperatureC,
    frequencyMhz: telemetry.frequencyMhz,
    noiseFloor: {},
    speed: [],
    phone: null,
  };
}

// os.cpus() names every core of the machine; a container or cpuset may allow fewer, which only the affinity mask tells.
function listHostCores(): Core[] {
  const allowed = readAllowedCpus();
  const described = cpus();
  // Without cpufreq the speeds told are momentary and differ between equal cores; one for all keeps them one cluster.
  const nominal = Math.max(0, ...described.map((core) => core.speed)) || null;
  const numbers = allowed ?? Array.from({ length: availableParallelism() }, (_, cpu) => cpu);
  return numbers.map((cpu) => {
    const base = `/sys/devices/system/cpu/cpu${cpu}`;
    const khz = readNumber(`${base}/cpufreq/cpuinfo_max_freq`);
    const core = readText(`${base}/topology/core_id`);
    const socket = readText(`${base}/topology/physical_package_id`);
    return {
      cpu,
      maxMhz: khz !== null ? khz / 1000 : nominal,
      physical: core === null ? `cpu${cpu}` : `${socket}:${core}`,
    };
  });
}

function readAllowedCpus(): number[] | null {
  const line = (readText("/proc/self/status") ?? "")
    .split("\n")
    .find((candidate) => candidate.startsWith("Cpus_allowed_list:"));
  return line ? parseCpuList(line.split(":")[1]!) : null;
}

/** Reads a kernel list of CPUs such as `0-3,6`; empty for anything else. */
export function parseCpuList(text: string): number[] {
  const list: number[] = [];
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) continue;
    const first = Number(match[1]);
    const last = Math.min(Number(match[2] ?? match[1]), first + 4096);
    for (let cpu = first; cpu <= last; cpu++) list.push(cpu);
  }
  return list;
}

function describeProcessor(): string {
  return cpus()[0]?.model.trim() || arch();
}

function describeSystem(): string {
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?/m.exec(readText("/etc/os-release") ?? "")?.[1];
  return pretty ? `${pretty}, ${type()} ${release()}` : `${type()} ${release()}`;
}
