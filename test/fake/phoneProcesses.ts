import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A process of a fake phone, by the phone's folder in its environment. */
export interface PhoneProcess {
  pid: number;
  /** Runs the phone's benchmark program. */
  benchmark: boolean;
}

/** The processes alive on the phone with this folder, also those nobody waits for any more. Linux only, as the fake phone is. */
export function listPhoneProcesses(root: string): PhoneProcess[] {
  const found: PhoneProcess[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      if (!environment.includes(`FAKE_PHONE_ROOT=${root}`)) continue;
      const benchmark = environment.some((entry) => entry.startsWith("FAKE_PHONE_PROGRAM="));
      found.push({ pid: Number(name), benchmark });
    } catch {
      // Ended meanwhile, or another user's.
    }
  }
  return found;
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Ended meanwhile.
  }
}

/** Kills the phone's benchmark processes and gives their ids. */
export function killBenchmarks(root: string): number[] {
  const pids = listPhoneProcesses(root)
    .filter(({ benchmark }) => benchmark)
    .map(({ pid }) => pid);
  pids.forEach(killNow);
  return pids;
}

/** Kills everything on the phone, and what that started meanwhile. */
export async function killPhoneProcesses(root: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    const found = listPhoneProcesses(root);
    if (found.length === 0) return;
    for (const { pid } of found) killNow(pid);
    await sleep(5);
  }
  throw new Error(`Processes of the fake phone in ${root} do not end`);
}

/** Once, without waiting: for the end of the program. */
export function killPhoneProcessesNow(root: string): void {
  for (const { pid } of listPhoneProcesses(root)) killNow(pid);
}

/** Removes the folders in ROOT/proc of processes that have ended; their number may be given to a process of the host. */
export function sweepProc(root: string): void {
  const alive = new Set(listPhoneProcesses(root).map(({ pid }) => String(pid)));
  for (const name of readdirSync(join(root, "proc")))
    if (/^\d+$/.test(name) && !alive.has(name))
      rmSync(join(root, "proc", name), { recursive: true, force: true });
}
