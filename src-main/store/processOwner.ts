import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** The process that holds something, told apart from a later process with the same pid. */
export interface ProcessOwner {
  pid: number;
  /** Boot and start time where /proc tells them, else the computer's name. */
  identity: string;
}

/** This process as an owner. */
export function describeOwnProcess(): ProcessOwner {
  return { pid: process.pid, identity: readIdentity(process.pid) ?? computerIdentity() };
}

/** Whether the owner still runs; one of another boot or another computer counts as gone. */
export function isAlive(owner: ProcessOwner): boolean {
  const identity = readIdentity(owner.pid);
  if (identity !== null) return identity === owner.identity;
  if (owner.identity !== computerIdentity()) return false;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function computerIdentity(): string {
  return `computer ${hostname()}`;
}

/** Boot id and start time in clock ticks of a living process; null where there is no /proc or no such process. */
function readIdentity(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc(5): the second field, the program's name in brackets, may itself hold brackets and spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[0];
    const started = fields[19];
    // A killed process stays listed as a zombie until its parent has asked for its exit code.
    return state === "Z" || state === "X" || started === undefined ? null : `boot ${boot} start ${started}`;
  } catch {
    return null;
  }
}
