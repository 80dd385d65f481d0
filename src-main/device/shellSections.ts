import { randomBytes } from "node:crypto";
import { LabError } from "../lab/errors.ts";
import type { PhoneConnection } from "./phoneConnection.ts";

const limitBytes = 1 << 20;

/**
 * Puts several commands into one line for the phone's shell, each behind a line `MARK NAME` and without its stderr: asking a
 * phone costs a round trip, and a command that is missing there must not take the others with it.
 */
export function joinSections(sections: Readonly<Record<string, string>>, mark: string): string {
  const parts = Object.entries(sections).map(
    ([name, command]) => `echo; echo '${mark} ${name}'; { ${command}; } </dev/null 2>/dev/null`,
  );
  return [...parts, `echo; echo '${mark} end'`].join("; ");
}

/** Takes what such a line printed apart; a section that did not get its turn is missing. */
export function splitSections(text: string, mark: string): Map<string, string> {
  const sections = new Map<string, string>();
  let name: string | null = null;
  let lines: string[] = [];
  const close = () => {
    // The empty line before each mark is ours: it ends a last line that had no end.
    if (name !== null && !sections.has(name)) sections.set(name, lines.join("\n").replace(/\n$/, ""));
  };
  for (const raw of text.split("\n")) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line.startsWith(`${mark} `)) {
      close();
      name = line.slice(mark.length + 1);
      lines = [];
    } else lines.push(line);
  }
  close();
  return sections;
}

/**
 * Asks the phone several things at once. What takes longer than `timeoutMs` is cut off with everything after it; rejects with
 * `phone-refused` only when the phone answered nothing at all.
 */
export async function runSections(
  connection: PhoneConnection,
  sections: Readonly<Record<string, string>>,
  options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<Map<string, string>> {
  // New each time, so that nothing on the phone can hold a line that looks like one of ours.
  const mark = `@@${randomBytes(8).toString("hex")}`;
  let seen = "";
  try {
    const result = await connection.run(joinSections(sections, mark), {
      timeoutMs: options.timeoutMs ?? 20_000,
      limitBytes,
      signal: options.signal,
      onStdout: (text) => {
        if (seen.length < limitBytes) seen += text;
      },
    });
    return splitSections(result.stdout, mark);
  } catch (error) {
    const answered = splitSections(seen, mark);
    if (!(error instanceof LabError && error.code === "phone-refused") || answered.size === 0) throw error;
    return answered;
  }
}
