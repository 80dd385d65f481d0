import type { PhoneConnection } from "../device/phoneConnection.ts";
import { applyRemedy, setFixedPerformance } from "../device/remedies.ts";
import type { Device } from "../lab/contract.ts";
import type { Store } from "../store/database.ts";
import { clearPhoneMark, listPhoneMarks, setPhoneMark } from "../store/phoneMarks.ts";
import { endBenchmark, nameOwner } from "./phoneOrphans.ts";

const stayAwakeSetting = "global stay_on_while_plugged_in";
const timeoutMs = 15_000;

/**
 * Wakes a phone, keeps it awake and asks for clocks it can hold, noting in the lab what is to be put back before anything is
 * changed. Tells whether the phone took fixed-performance mode.
 */
export async function holdPhone(
  store: Store,
  connection: PhoneConnection,
  device: Device,
  options: { signal: AbortSignal; startTemperatureC: number },
): Promise<boolean> {
  const { signal, startTemperatureC } = options;
  const context = {
    coreSets: [],
    startTemperatureC,
    signal,
    // Of the checks that tell whether a remedy helped, none asks for the program.
    checkBinary: () => Promise.reject(new Error("the benchmark program was asked for")),
  };
  await applyRemedy(connection, "wake-screen", context);
  const setting = await connection.run(`settings get ${stayAwakeSetting}`, { timeoutMs, signal });
  const before = readStayAwake(setting.stdout);
  if (before !== null && before !== "7") {
    setPhoneMark(store, device.id, "stay-awake", before);
    await applyRemedy(connection, "stay-awake", context);
  }
  // The mode cannot be asked, and nothing but a program like this one sets it.
  setPhoneMark(store, device.id, "fixed-performance", "false");
  const taken = await setFixedPerformance(connection, true, { signal });
  if (!taken) clearPhoneMark(store, device.id, "fixed-performance");
  return taken;
}

/** The setting as the phone told it, a number of power sources or `null` for one nobody touched; null for anything else. */
export function readStayAwake(said: string): string | null {
  return /^(\d{1,3}|null)\s*$/.exec(said)?.[1] ?? null;
}

/**
 * Puts back what a run changed on a phone, also one whose process died, and ends a benchmark it left running. What cannot be
 * put back stays noted. Rejects as the connection does.
 */
export async function restorePhone(store: Store, connection: PhoneConnection, device: Device): Promise<void> {
  await endBenchmark(connection, nameOwner(store.folder, device.id));
  for (const { mark, before } of listPhoneMarks(store).filter((entry) => entry.device === device.id)) {
    const done =
      mark === "fixed-performance"
        ? await setFixedPerformance(connection, before === "true")
        : await putBackStayAwake(connection, before);
    if (done) clearPhoneMark(store, device.id, mark);
  }
}

async function putBackStayAwake(connection: PhoneConnection, before: string): Promise<boolean> {
  const known = readStayAwake(before);
  const command =
    known === null || known === "null"
      ? `settings delete ${stayAwakeSetting}`
      : `settings put ${stayAwakeSetting} ${known}`;
  const { exitCode } = await connection.run(`${command} </dev/null`, { timeoutMs });
  return exitCode === 0;
}
