/** What kernels can be asked for: this computer's and phones' CPUs, and the GPUs of known devices. */
import type { Device, KernelsRequest } from "../src-main/lab/contract.ts";

export interface KernelTarget extends Pick<KernelsRequest, "target" | "runtime"> {
  /** As an address keeps it. */
  key: string;
  words: string;
}

/** The CPU's runtimes, then each GPU with the devices that have it, by name. */
export function listKernelTargets(devices: readonly Pick<Device, "name" | "gpu">[]): KernelTarget[] {
  const owners = new Map<string, string[]>();
  for (const { name, gpu } of devices)
    if (gpu !== null) owners.set(gpu, [...new Set([...(owners.get(gpu) ?? []), name])]);
  return [
    { key: "cpu", target: "cpu", runtime: "tflite", words: "a CPU, TFLite" },
    { key: "xnnpack", target: "cpu", runtime: "xnnpack", words: "a CPU, XNNPACK" },
    ...[...owners]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([gpu, names]) => ({
        key: `gpu:${gpu}`,
        target: `gpu:${gpu}`,
        words: `${gpu} (${names.join(", ")})`,
      })),
  ];
}
