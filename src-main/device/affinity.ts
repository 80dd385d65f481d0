import type { CoreSet } from "../lab/contract.ts";
import { formatPhoneMask } from "./cores.ts";
import { cleanText } from "./phoneText.ts";

/** Starts a shell on those cores and prints which cores the kernel then says it has, and how that ended. */
export function affinityCommand(coreSet: CoreSet): string {
  const mask = formatPhoneMask(coreSet.cpus);
  return `taskset ${mask} sh -c 'grep Cpus_allowed: /proc/$$/status' 2>&1; echo "exit $?"`;
}

/** The affinity mask in a text of /proc/PID/status, lowercase hexadecimal without leading zeros; null when there is none. */
export function parseAllowedMask(text: string): string | null {
  const digits = /^Cpus_allowed:\s*([0-9a-f]{1,256}(?:,[0-9a-f]{1,8}){0,127})\s*$/im.exec(
    text.slice(0, 65_536),
  )?.[1];
  return digits === undefined ? null : BigInt(`0x${digits.replaceAll(",", "")}`).toString(16);
}

/** What came of trying a core set. */
export type AffinityVerdict =
  { state: "taken" } | { state: "refused"; reason: string } | { state: "unknown"; reason: string };

/** Judges what `affinityCommand` printed. */
export function judgeAffinity(coreSet: CoreSet, text: string): AffinityVerdict {
  const exit = /^exit (\d{1,3})\s*$/m.exec(text)?.[1];
  if (exit === undefined) return { state: "unknown", reason: "the phone did not answer" };
  const asked = formatPhoneMask(coreSet.cpus);
  const got = parseAllowedMask(text);
  if (got === asked) return { state: "taken" };
  if (got !== null) return { state: "refused", reason: `asked for mask ${asked}, got ${got}` };
  const words = cleanText(text.replace(/^exit \d+\s*$/m, ""));
  if (exit === "127") return { state: "refused", reason: "the phone has no taskset to choose cores with" };
  if (exit !== "0") return { state: "refused", reason: words || `taskset ended with ${exit}` };
  return { state: "unknown", reason: words || "the kernel does not tell which cores a program has" };
}
