import { parseScenario } from "../device/scenario.ts";
import { describePublishedPhone } from "../published/phones.ts";
import { findSeenPhone } from "../store/phones.ts";
import { listPublishedDevices } from "../store/publishedDevices.ts";
import type { LabContext } from "./context.ts";

/**
 * The name of the GPU of a scenario's device as its driver gives it: of a phone as it was last seen, of a published one as its
 * makers tell. Null when it is not known, and for scenarios on CPUs.
 */
export function findGpuName({ store }: LabContext, scenario: string): string | null {
  const { device, runtime } = parseScenario(scenario);
  if (runtime !== "gpu-cl") return null;
  if (listPublishedDevices(store).some(({ id }) => id === device)) return describePublishedPhone(device).gpu;
  return findSeenPhone(store, device)?.device.gpu ?? null;
}
