/** What is to be measured on each device that is ticked for a run. */
import type { Device, Precision, RunRequest, Runtime, Thoroughness } from "../src-main/lab/contract.ts";
import { listOffline, readCoreSet } from "./coreSets.ts";

/** The choices of one device. */
export interface DeviceChoice {
  target: "cores" | "gpu";
  /** Names of core sets in the order they were chosen. */
  coreSets: readonly string[];
  runtime: Runtime;
  precision: Precision;
}

/** What is the same on all devices. */
export interface CommonChoice {
  models: string[];
  repetitions: number;
  thoroughness: Thoroughness;
}

/** A preset: how many inferences are kept and how often each network is measured. */
export interface Preset {
  thoroughness: Thoroughness;
  title: string;
  words: string;
  repetitions: number;
}

export const presets: readonly Preset[] = [
  { thoroughness: "quick", title: "Quick", words: "8 inferences kept: a first look", repetitions: 1 },
  { thoroughness: "standard", title: "Standard", words: "30 kept: for fitting predictors", repetitions: 1 },
  {
    thoroughness: "thorough",
    title: "Thorough",
    words: "100 kept, each network 3 times: to settle a question",
    repetitions: 3,
  },
];

/** The runtimes of a device's processor cores; the GPU has its own. */
export function listCoreRuntimes(device: Device): Runtime[] {
  return device.runtimes.filter((runtime) => runtime !== "gpu-cl");
}

/** Whether a device's GPU can be measured. */
export function hasGpu(device: Device): boolean {
  return device.runtimes.includes("gpu-cl");
}

/** The precisions to choose from; half precision is the GPU's. */
export function listPrecisions(device: Device, target: DeviceChoice["target"]): Precision[] {
  return device.precisions.filter((precision) => target === "gpu" || precision !== "float16");
}

/** What a device is measured on before anything is chosen: its first core set, e.g. one large core. */
export function defaultChoice(device: Device): DeviceChoice {
  const [first] = device.coreSets;
  return settleChoice(device, {
    target: "cores",
    coreSets: first ? [first.name] : [],
    runtime: "tflite",
    precision: "float32",
  });
}

/** The choice with what the device does not have replaced by what it has. */
export function settleChoice(device: Device, choice: DeviceChoice): DeviceChoice {
  const target = choice.target === "gpu" && hasGpu(device) ? "gpu" : "cores";
  const runtimes: Runtime[] = target === "gpu" ? ["gpu-cl"] : listCoreRuntimes(device);
  const precisions = listPrecisions(device, target);
  return {
    target,
    coreSets: choice.coreSets.filter((name) => isKnown(device, name)),
    runtime: runtimes.includes(choice.runtime) ? choice.runtime : (runtimes[0] ?? choice.runtime),
    precision: precisions.includes(choice.precision) ? choice.precision : (precisions[0] ?? choice.precision),
  };
}

// A set composed of blocks need not be in the device's list.
function isKnown(device: Device, name: string): boolean {
  if (device.coreSets.some((set) => set.name === name)) return true;
  const counts = readCoreSet(name, device.clusters);
  if (!counts) return false;
  const offline = listOffline(device);
  return device.clusters.every(
    (cluster) => (counts[cluster.name] ?? 0) <= cluster.cpus.filter((cpu) => !offline.includes(cpu)).length,
  );
}

/** The run that the choices of a device amount to. */
export function requestRun(device: Device, choice: DeviceChoice, common: CommonChoice): RunRequest {
  return {
    device: device.id,
    coreSets: choice.target === "gpu" ? ["gpu"] : [...choice.coreSets],
    precision: choice.precision,
    runtime: choice.runtime,
    ...common,
  };
}
