/** Phones as tables: what described phones print, and a connection that answers from such a table. */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { PhoneConnection, ShellResult } from "../../src-main/device/phoneConnection.ts";
import type { ListedPhone } from "../../src-main/device/phoneState.ts";

const folder = fileURLToPath(new URL("../golden/phones/", import.meta.url));

/** Names of the phones described in test/golden/phones. */
export const goldenPhones = readdirSync(folder)
  .filter((file) => file.endsWith(".txt"))
  .map((file) => file.slice(0, -4))
  .sort();

/** What a described phone prints, by the section of the probe. */
export function readGoldenPhone(name: string): Map<string, string> {
  const sections = new Map<string, string>();
  for (const part of readFileSync(`${folder}${name}.txt`, "utf8").split(/^### /m).slice(1)) {
    const end = part.indexOf("\n");
    sections.set(part.slice(0, end), part.slice(end + 1).replace(/\n$/, ""));
  }
  return sections;
}

export const listed: ListedPhone = {
  id: "R5CT",
  serial: "R5CT",
  server: "127.0.0.1:5038",
  state: "ready",
  problem: null,
  word: "device",
  model: "Some_Model",
  transportId: "7",
};

type Answer = string | Error;

/** A phone that answers sections of a question by their name and whole commands by their text; it keeps what it was asked. */
export class TablePhone implements PhoneConnection {
  readonly id = listed.id;
  readonly serial = listed.serial;
  readonly lost = new AbortController().signal;
  readonly asked: string[] = [];
  readonly #sections: ReadonlyMap<string, Answer>;
  readonly #commands: (command: string) => Partial<ShellResult> | undefined;

  constructor(
    sections: ReadonlyMap<string, Answer>,
    commands: (command: string) => Partial<ShellResult> | undefined = () => undefined,
  ) {
    this.#sections = sections;
    this.#commands = commands;
  }

  async run(
    command: string,
    options: { onStdout?: ((text: string) => void) | undefined } = {},
  ): Promise<ShellResult> {
    this.asked.push(command);
    const result = { exitCode: 0, stdout: "", stderr: "", truncated: false };
    const marks = [...command.matchAll(/echo '(@@\S+) (\w+)'/g)];
    if (marks.length === 0) {
      const answer = this.#commands(command);
      return { ...result, ...(answer ?? { exitCode: 127, stderr: "not found\n" }) };
    }
    for (const [, mark, name] of marks) {
      const answer = name === "end" ? "" : (this.#sections.get(name!) ?? "");
      result.stdout += `\n${mark} ${name}\n`;
      if (answer instanceof Error) {
        options.onStdout?.(result.stdout);
        throw answer;
      }
      result.stdout += answer;
    }
    options.onStdout?.(result.stdout);
    return result;
  }

  push(): Promise<void> {
    return Promise.reject(new Error("not here"));
  }

  pull(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
