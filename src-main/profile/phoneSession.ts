import type { PhoneConnection } from "../device/phoneConnection.ts";
import { type PhoneTelemetry, parseTelemetry, telemetryCommand } from "../device/phoneTelemetry.ts";
import type { InstalledBinary } from "./phoneInstall.ts";
import { installBinary } from "./phoneInstall.ts";
import type { PhoneBenchOptions } from "./phoneBench.ts";
import { PhoneModels } from "./phoneModels.ts";
import { endBenchmark, nameOwner } from "./phoneOrphans.ts";
import { holdPhone } from "./phoneRestore.ts";
import type { Warmth } from "./pacing.ts";

const timeoutMs = 30_000;

/** A phone made ready over one connection; a new connection makes a new one. */
export interface PhoneSession {
  connection: PhoneConnection;
  tool: InstalledBinary;
  models: PhoneModels;
  fixedPerformance: boolean;
  /** Another one after each start of the phone; empty where the phone does not tell. */
  boot: string;
  /** The newest reading, null when there is none worth its age. */
  telemetry: PhoneTelemetry | null;
}

/** Makes a connected phone ready: no benchmark of this lab left over, the program whole, the screen on, steady clocks. */
export async function openSession(
  connection: PhoneConnection,
  options: Pick<PhoneBenchOptions, "store" | "device" | "binary" | "settings" | "signal">,
  report: (note: string) => void,
): Promise<PhoneSession> {
  const { store, device, binary, settings, signal } = options;
  await endBenchmark(connection, nameOwner(store.folder, device.id), { signal });
  const tool = await installBinary(connection, binary, device.phone?.abis ?? [], { signal, report });
  const { startTemperatureC } = settings;
  const fixedPerformance = await holdPhone(store, connection, device, { signal, startTemperatureC });
  const boot = await connection.run("cat /proc/sys/kernel/random/boot_id 2>/dev/null", { timeoutMs, signal });
  return {
    connection,
    tool,
    models: new PhoneModels(connection, settings.phoneCacheBytes),
    fixedPerformance,
    boot: /^[0-9a-f-]{36}$/.exec(boot.stdout.trim())?.[0] ?? "",
    telemetry: null,
  };
}

/** Asks a phone for its state on certain cores. */
export async function readTelemetry(
  connection: PhoneConnection,
  cpus: readonly number[],
  signal: AbortSignal,
): Promise<PhoneTelemetry> {
  const { stdout } = await connection.run(telemetryCommand(cpus), { timeoutMs, signal });
  return parseTelemetry(stdout);
}

/** What pacing goes by: the heat stored in the phone, not that of a core at this moment. */
export function describeWarmth(telemetry: PhoneTelemetry): Warmth {
  return { temperatureC: telemetry.batteryTemperatureC, thermalStatus: telemetry.thermalStatus };
}
