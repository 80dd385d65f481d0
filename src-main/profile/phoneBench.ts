import { parseScenario } from "../device/scenario.ts";
import type { Phones } from "../device/phones.ts";
import type { Device, LabSettings, Thoroughness } from "../lab/contract.ts";
import type { Store } from "../store/database.ts";

/** The benchmark program that a bench puts on its phone. */
export interface PhoneBinary {
  /** On this computer. */
  path: string;
  /** SHA-256, hexadecimal. */
  hash: string;
  name: string;
  abi: string | null;
}

/** What a bench for a phone is made with. */
export interface PhoneBenchOptions {
  store: Store;
  run: number;
  /** The phone as it was probed. */
  device: Device;
  phones: Phones;
  binary: PhoneBinary;
  settings: Pick<LabSettings, "phoneCacheBytes" | "startTemperatureC">;
  scenarios: readonly string[];
  thoroughness: Thoroughness;
  /** Shuffles nothing itself; seeds what must differ from run to run but be repeatable. */
  seed: number;
  signal: AbortSignal;
}

export { parseScenario };
