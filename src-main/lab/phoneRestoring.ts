import type { PhoneConnection } from "../device/phoneConnection.ts";
import type { Store } from "../store/database.ts";
import { claimDevice, isClaimed } from "../store/devices.ts";
import { isClaimedOnThisComputer } from "../store/machineClaim.ts";
import { listPhoneMarks } from "../store/phoneMarks.ts";
import type { Device } from "./contract.ts";
import { LabError } from "./errors.ts";

/** Whether a living process measures the phone, from whichever lab of this computer. */
export function isMeasured(store: Store, device: string): boolean {
  return isClaimed(store, device) || isClaimedOnThisComputer(device);
}

/**
 * Puts back what a run changed on a phone and did not put back, because its process died; leaves a phone alone that is being
 * measured.
 */
export async function putBack(store: Store, connection: PhoneConnection, device: Device): Promise<void> {
  if (isMeasured(store, device.id)) return;
  if (!listPhoneMarks(store).some((mark) => mark.device === device.id)) return;
  let release: () => void;
  try {
    release = claimDevice(store, device.id);
  } catch (error) {
    // A run has just begun: it puts things back at its end.
    if (error instanceof LabError) return;
    throw error;
  }
  try {
    const { restorePhone } = await import("../profile/phoneRestore.ts");
    await restorePhone(store, connection, device);
  } finally {
    release();
  }
}
