import { phoneFolder } from "./phoneFolder.ts";
import type { PhoneConnection } from "./phoneConnection.ts";
import { cleanText } from "./phoneText.ts";

/** A benchmark that runs on the phone. */
export interface RunningBenchmark {
  pid: number;
  /** Its command line, one printable line. */
  command: string;
  /** It runs from the lab's own folder. */
  ours: boolean;
}

/** Lists processes with their command lines; toolboxes before Android 8 know no options and print names. */
export const processesCommand = 'p=$(ps -A -o PID,ARGS); case "$p" in *[0-9]*) echo "$p";; *) ps;; esac';

// Programs that measure, by what they or their packages are called.
const benchmarkNames = /bench|antutu|mlperf|3dmark|pcmark|label_image/i;
const mostProcesses = 20_000;

/** Benchmarks among the processes that `processesCommand` printed; null when that is no list of processes. */
export function parseBenchmarks(text: string): RunningBenchmark[] | null {
  const lines = text.split("\n", mostProcesses);
  const header = lines.findIndex((line) => /(?:^|\s)PID(?:\s|$)/.test(line));
  if (header < 0) return null;
  const columns = lines[header]!.trim().split(/\s+/);
  const pidColumn = columns.indexOf("PID");
  const whole = /^(?:ARGS|CMD|COMMAND)$/.test(columns.at(-1)!);
  const running: RunningBenchmark[] = [];
  for (const line of lines.slice(header + 1)) {
    const words = line.slice(0, 4096).trim().split(/\s+/);
    const pid = Number(words[pidColumn]);
    // Old rows have one word more than their header has names; the program is the last.
    const command = whole ? words.slice(columns.length - 1) : words.slice(-1);
    if (!Number.isSafeInteger(pid) || pid <= 1 || command.length === 0) continue;
    const text = command.join(" ");
    // The shell that lists the processes has its own question in its command line.
    if (/@@[0-9a-f]{16}/.test(text)) continue;
    const ours = text.includes(`${phoneFolder}/`);
    if (ours || command.slice(0, 4).some((word) => benchmarkNames.test(word)))
      running.push({ pid, command: cleanText(text), ours });
  }
  return running;
}

/** Ends every process that runs from the lab's own folder and tells how many there were; others are left alone. */
export async function stopBenchmarks(
  connection: PhoneConnection,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const listed = await connection.run(`{ ${processesCommand}; } 2>/dev/null`, {
    timeoutMs: 15_000,
    ...options,
  });
  const ours = (parseBenchmarks(listed.stdout) ?? []).filter((one) => one.ours);
  if (ours.length > 0)
    await connection.run(`kill -9 ${ours.map(({ pid }) => pid).join(" ")}`, {
      timeoutMs: 15_000,
      ...options,
    });
  return ours.length;
}
