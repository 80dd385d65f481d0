import type { GpuDevice } from "./gpuDevice.ts";
import type { GpuSettings } from "./gpuRules.ts";

const vendorNames: Record<GpuDevice["vendor"], string> = {
  adreno: "Adreno",
  mali: "Mali",
  powervr: "PowerVR",
  apple: "Apple",
  amd: "AMD",
  intel: "Intel",
  nvidia: "NVIDIA",
  unknown: "unknown",
};

/** Which rules choose the kernels of a GPU, in one sentence or two: also what is only assumed of it. */
export function describeGpuRules(device: GpuDevice, { rules }: Pick<GpuSettings, "rules">): string {
  const { vendor, generation, computeUnits, computeUnitsKnown } = device;
  const units = `${computeUnits} compute unit${computeUnits === 1 ? "" : "s"}`;
  const assumed = computeUnitsKnown
    ? `It has ${units}.`
    : `Its name does not tell its compute units; ${computeUnits} ${computeUnits === 1 ? "is" : "are"} assumed.`;
  if (vendor === "unknown")
    return `No vendor is known by this name: the rules of ${rules} for GPUs it does not know apply. ${assumed}`;
  const family = vendorNames[vendor];
  if (generation === "unknown")
    return `The rules of ${rules} for ${family} GPUs it does not list apply. ${assumed}`;
  const which = generation === "" ? family : `${family}, generation ${generation},`;
  return `The rules of ${rules} for ${which} apply. ${assumed}`;
}
