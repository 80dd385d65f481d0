import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { PhoneConnection } from "../device/phoneConnection.ts";
import { phoneFolder } from "../device/phoneFolder.ts";
import { quote } from "../device/quote.ts";
import { LabError } from "../lab/errors.ts";

/** Where a lab notes on a phone which process is its benchmark. */
export const pidFolder = `${phoneFolder}/run`;

const timeoutMs = 15_000;

/**
 * The name under which a lab's files lie on a phone: the same for every process of one lab, another for each lab and phone,
 * so that none takes another's benchmark for its own.
 */
export function nameOwner(labFolder: string, device: string): string {
  return createHash("sha256").update(`${hostname()}\n${labFolder}\n${device}`).digest("hex").slice(0, 16);
}

/** The file that holds process id and start time of an owner's benchmark. */
export function pidPath(owner: string): string {
  return `${pidFolder}/${owner}.pid`;
}

/**
 * Shell words that note the shell itself in its owner's file: the benchmark that it becomes keeps both process id and start
 * time. `@` is what `exec "$@"` needs afterwards, so it is left alone.
 */
export function noteProcess(owner: string): string {
  const path = quote(pidPath(owner));
  return `{ s=; read -r s </proc/$$/stat; echo "$$ $(set -- $s; shift 20; echo "$2")" >${path}; } 2>/dev/null`;
}

// A process id comes round again: only one that runs from our folder and began when the note says is the noted one.
function endNoted(owner: string): string {
  const path = quote(pidPath(owner));
  return [
    `p=; t=; { read -r p t <${path}; } 2>/dev/null`,
    `case "$p" in ''|*[!0-9]*) exit 0;; esac`,
    `ours() { grep -q ${quote(`${phoneFolder}/`)} /proc/$p/cmdline || return 1; s=; read -r s </proc/$p/stat || return 0; s="$(set -- \${s##*) }; shift 18; echo "$2")"; [ -z "$t" ] || [ "$s" = "$t" ]; }`,
    `n=0; while ours; do [ $n -eq 0 ] && echo "ended $p"; [ $n -ge 50 ] && { echo "alive $p"; exit 1; }; kill -9 $p; n=$((n+1)); sleep 0.1; done 2>/dev/null`,
    `rm -f ${path}`,
  ].join("; ");
}

/**
 * Ends the benchmark that this owner left on the phone and waits until it is gone; gives its process id, or null when none ran.
 * Rejects with phone-refused when it cannot be ended, with phone-lost as every call.
 */
export async function endBenchmark(
  connection: PhoneConnection,
  owner: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<number | null> {
  const { stdout } = await connection.run(endNoted(owner), { timeoutMs, ...options });
  const alive = /^alive (\d+)$/m.exec(stdout)?.[1];
  if (alive !== undefined)
    throw new LabError(
      "phone-refused",
      `${connection.id} refused to end the benchmark, process ${alive}`,
      "Restart the phone before measuring on it.",
    );
  const ended = /^ended (\d+)$/m.exec(stdout)?.[1];
  return ended === undefined ? null : Number(ended);
}

/** The same where nothing better can be done when the phone does not answer: it ends the process itself when it is gone. */
export async function endBenchmarkIfReachable(connection: PhoneConnection, owner: string): Promise<void> {
  try {
    await endBenchmark(connection, owner);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}
