import { composeCoreSet, formatMask, formatPhoneMask } from "../device/cores.ts";
import { parseScenario, type Scenario } from "../device/scenario.ts";
import type { Device } from "../lab/contract.ts";
import { coreSetUnknown, scenarioUnsupported } from "../lab/errors.ts";

/** Where and how a scenario of a phone is measured. */
export interface PhoneTarget {
  scenario: Scenario;
  /** The cores the benchmark is held to. */
  cpus: number[];
  /** Their mask with `0x`, and as the phone's taskset takes it. */
  mask: string;
  phoneMask: string;
  /** For what runs on the CPU. */
  threads: number;
}

/** Resolves a scenario of a phone; rejects with core-set-unknown or scenario-unsupported when it cannot be measured there. */
export function resolvePhoneTarget(id: string, device: Device): PhoneTarget {
  const scenario = parseScenario(id);
  const gpu = scenario.runtime === "gpu-cl";
  if (gpu !== (scenario.cores === "gpu"))
    throw scenarioUnsupported(id, "the core set gpu goes with the runtime gpu-cl, and only with it");
  if (scenario.precision === "float16" && scenario.runtime === "tflite")
    throw scenarioUnsupported(id, "the builtin kernels do not compute in float16");
  const cpus = gpu ? chooseFeedingCpus(device) : findCpus(scenario, device);
  return {
    scenario,
    cpus,
    mask: formatMask(cpus),
    phoneMask: formatPhoneMask(cpus),
    threads: gpu ? 1 : cpus.length,
  };
}

function findCpus(scenario: Scenario, device: Device): number[] {
  const listed = device.coreSets.find(({ name }) => name === scenario.cores);
  const found = listed ?? composeCoreSet(device.clusters, scenario.cores);
  if (!found)
    throw coreSetUnknown(
      device.id,
      scenario.cores,
      device.coreSets.map(({ name }) => name),
    );
  return found.cpus;
}

/**
 * The cores of the threads that feed a GPU. They mostly sleep, and a scheduler puts sleepers on slow cores now and on fast ones
 * then: held to the fastest cluster, what enqueuing costs is always the same. The driver's own threads inherit the mask, so a
 * cluster of a single core is joined by the next one: they would take turns on it otherwise.
 */
export function chooseFeedingCpus(device: Device): number[] {
  const offline = new Set(device.phone?.offlineCpus ?? []);
  const chosen: number[] = [];
  for (const cluster of device.clusters) {
    if (chosen.length >= 2) break;
    chosen.push(...cluster.cpus.filter((cpu) => !offline.has(cpu)));
  }
  return chosen;
}
