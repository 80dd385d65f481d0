import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { quote } from "../../src-main/device/quote.ts";
import { createRandom } from "../../src-main/model/random.ts";

/** The words a real sh makes of a command line, as it hands them to a program. */
function readWords(line: string): string[] {
  const script = `printf '%s\\0' ${line}`;
  const child = spawnSync("sh", ["-s"], { input: Buffer.from(script), cwd: "/" });
  expect(child.stderr.toString()).toBe("");
  expect(child.status).toBe(0);
  const words = child.stdout.toString("utf8").split("\0");
  expect(words.pop()).toBe("");
  return words;
}

function expectSameWords(texts: readonly string[]): void {
  const words = readWords(texts.map(quote).join(" "));
  expect(words).toEqual(texts.map((text) => text.toWellFormed()));
}

describe("quote in a real sh", () => {
  test("a real sh reads back every awkward text as one word", () => {
    expectSameWords([
      "plain",
      "",
      " ",
      "two  spaces ",
      "'",
      "''",
      "'''a'",
      '"',
      `'"'"'`,
      "$(touch /tmp/never)",
      "`id`",
      "${HOME}",
      "$'a'",
      "$((1+1))",
      "a\nb",
      "\n",
      "\n\n",
      "a\r\nb\r",
      "\t",
      "\\",
      "\\\\'",
      "\\'",
      "trailing\\",
      "-rf",
      "--",
      "-",
      "~",
      "~root",
      "*",
      "?[a-z]",
      "{a,b}",
      "!",
      "!!",
      "#comment",
      ";",
      "&&",
      "|",
      "> /dev/null",
      "<(ls)",
      "a=b",
      "ünïcödé",
      "日本語",
      "👩‍🔬",
      "\u202e",
      "\ufeff",
      "\u0001\u001b[31m\u007f",
      "\ud800",
      "a\udc00'b",
      "\udc00\ud800",
      "'".repeat(2000),
      "long ".repeat(20_000),
    ]);
  });

  test("a real sh reads back seeded mixtures", () => {
    const random = createRandom(11);
    const pieces = [
      "'",
      '"',
      "\\",
      "$",
      "`",
      "(",
      ")",
      "{",
      "}",
      "\n",
      "\r",
      "\t",
      " ",
      "-",
      "*",
      "?",
      "~",
      "!",
      "#",
    ].concat([
      ";",
      "&",
      "|",
      "<",
      ">",
      "=",
      "[",
      "]",
      "%",
      "\\n",
      "\\0",
      "a",
      "Z",
      "0",
      "é",
      "日",
      "😀",
      "\ud83d",
    ]);
    for (let call = 0; call < 4; call++) {
      const texts = Array.from({ length: 120 }, () =>
        Array.from({ length: random.int(0, 11) }, () => random.pick(pieces)).join(""),
      );
      expectSameWords(texts);
    }
  });
});
