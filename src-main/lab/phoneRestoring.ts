import type { PhoneConnection } from "../device/phoneConnection.ts";
import type { Store } from "../store/database.ts";
import { claimDevice, findClaim } from "../store/devices.ts";
import { isClaimedOnThisComputer } from "../store/machineClaim.ts";
import { listPhoneMarks } from "../store/phoneMarks.ts";
import type { Device } from "./contract.ts";
import { LabError } from "./errors.ts";

/** Whether a living process measures the phone, from whichever lab of this computer. */
export function isMeasured(store: Store, device: string): boolean {
  return findClaim(store, device) === "held" || isClaimedOnThisComputer(device);
}

/**
 * Ends what a run left running on a phone and puts back what it changed there, when the run's process died before it could;
 * leaves a phone alone that is being measured.
 */
export async function putBack(store: Store, connection: PhoneConnection, device: Device): Promise<void> {
  if (isMeasured(store, device.id)) return;
  const marked = listPhoneMarks(store).some((mark) => mark.device === device.id);
  if (!marked && findClaim(store, device.id) === "free") return;
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
