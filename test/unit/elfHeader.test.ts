import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identifyProgram } from "../../src-main/lab/elfHeader.ts";
import { makeElf } from "../integration/programs.ts";

const problem = (head: Uint8Array) => {
  const found = identifyProgram(head);
  return "problem" in found ? found.problem : null;
};

describe("a program's header", () => {
  it.each([
    [0xb7, "arm64-v8a"],
    [0x28, "armeabi-v7a"],
    [0x3e, "x86_64"],
    [0x03, "x86"],
  ] as const)("tells the ABI of machine %i: %s", (machine, abi) => {
    expect(identifyProgram(makeElf({ machine }))).toEqual({ abi });
    // Loaded anywhere: the type of a library, with an entry.
    expect(identifyProgram(makeElf({ machine, type: 3 }))).toEqual({ abi });
  });

  it("of a script tells that it fits any", () => {
    expect(identifyProgram(Buffer.from("#!/system/bin/sh\n"))).toEqual({ abi: null });
  });

  it("of this very Node is read as it is", () => {
    if (process.platform !== "linux") return;
    const abi = { x64: "x86_64", arm64: "arm64-v8a", arm: "armeabi-v7a", ia32: "x86" }[
      process.arch as string
    ];
    expect(identifyProgram(readFileSync(process.execPath).subarray(0, 64))).toEqual({ abi });
  });

  it.each([
    ["a library", makeElf({ machine: 0xb7, type: 3, entry: 0 }), /library/],
    ["an object file", makeElf({ machine: 0xb7, type: 1 }), /library or an object file/],
    ["a processor no phone has", makeElf({ machine: 0xf3 }), /ELF machine 243/],
    ["a 64-bit machine in a 32-bit file", makeElf({ machine: 0xb7, wide: false }), /ELF machine 183/],
    ["FreeBSD", makeElf({ machine: 0x3e, system: 9 }), /another system/],
    ["a big-endian one", makeElf({ machine: 0xb7, order: 2 }), /big-endian/],
    ["a torn one", makeElf({ machine: 0xb7 }).subarray(0, 40), /ends within its header/],
    ["an app", Buffer.from("PK\x03\x04 and more"), /\.apk/],
    ["a packed one", Buffer.from([0x1f, 0x8b, 8, 0]), /unpack/],
    ["a Windows program", Buffer.from("MZ..."), /Windows/],
    ["a page of a web server", Buffer.from("<!doctype html>"), /neither/],
    ["nothing", new Uint8Array(), /neither/],
  ])("refuses %s", (_name, head, reason) => {
    expect(problem(head)).toMatch(reason);
  });
});
