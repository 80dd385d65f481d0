import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** A command line, pinned to cores where the platform can. */
export interface PinnedCommand {
  command: string;
  args: string[];
  pinned: boolean;
}

/** The path of a program on PATH, or null. */
export function findProgram(name: string, path: string = process.env["PATH"] ?? ""): string | null {
  for (const folder of path.split(delimiter)) {
    if (folder === "") continue;
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Puts a command under `taskset MASK` on Linux. macOS and Windows offer no such program: there the thread count alone makes
 * the core set, and the measurement says that it was not pinned.
 */
export function pinCommand(mask: string, command: string, args: readonly string[]): PinnedCommand {
  const taskset = process.platform === "linux" ? findProgram("taskset") : null;
  return taskset
    ? { command: taskset, args: [mask, command, ...args], pinned: true }
    : { command, args: [...args], pinned: false };
}
