import type { DeviceState } from "../lab/contract.ts";

/** A phone as an adb server lists it. */
export interface ListedPhone {
  /** The device's id in the lab. */
  id: string;
  serial: string;
  /** The server's `host:port`. */
  server: string;
  /** `ready` when adb says `device`. */
  state: Extract<
    DeviceState,
    "ready" | "unauthorized" | "offline" | "no-permissions" | "recovery" | "sideload" | "unavailable"
  >;
  /** What is wrong and what to do, or null when ready. */
  problem: string | null;
  /** adb's own word for the state. */
  word: string;
  /** Model as adb lists it, underscores for spaces; null before authorization. */
  model: string | null;
  /** New after every reconnection. */
  transportId: string;
}
