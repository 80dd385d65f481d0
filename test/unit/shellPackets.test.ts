import { describe, expect, test } from "vitest";
import { KeptOutput } from "../../src-main/device/keptOutput.ts";
import { ShellPackets } from "../../src-main/device/shellPackets.ts";
import { createRandom } from "../../src-main/model/random.ts";

function packet(id: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header[0] = id;
  header.writeUInt32LE(data.length, 1);
  return Buffer.concat([header, data]);
}

function collect(): { packets: ShellPackets; stdout: KeptOutput; stderr: KeptOutput; exits: number[] } {
  const stdout = new KeptOutput(1e6);
  const stderr = new KeptOutput(1e6);
  const exits: number[] = [];
  const packets = new ShellPackets({
    onStdout: (bytes) => stdout.add(bytes),
    onStderr: (bytes) => stderr.add(bytes),
    onExit: (code) => exits.push(code),
  });
  return { packets, stdout, stderr, exits };
}

describe("ShellPackets", () => {
  test("the same streams however the bytes are cut", () => {
    const random = createRandom(5);
    const parts: Buffer[] = [];
    let out = "";
    let err = "";
    for (let index = 0; index < 200; index++) {
      const text = "é".repeat(random.int(0, 40)) + index;
      const id = random.pick([1, 2, 9]);
      if (id === 1) out += text;
      if (id === 2) err += text;
      parts.push(packet(id, Buffer.from(text)));
    }
    parts.push(packet(1, Buffer.alloc(0)), packet(3, Buffer.of(42)));
    const all = Buffer.concat(parts);
    for (const longest of [1, 2, 7, 1000, all.length]) {
      const { packets, stdout, stderr, exits } = collect();
      for (let start = 0; start < all.length;) {
        const length = random.int(1, longest);
        packets.push(all.subarray(start, start + length));
        start += length;
      }
      expect([stdout.text(), stderr.text(), exits]).toEqual([out, err, [42]]);
    }
  });

  test("a length of 4 GB is handed on as it comes", () => {
    const { packets, stdout, exits } = collect();
    packets.push(Buffer.of(1, 0xff, 0xff, 0xff, 0xff, 0x61));
    packets.push(Buffer.from("bc"));
    expect(stdout.text()).toBe("abc");
    expect(exits).toEqual([]);
  });
});

describe("KeptOutput", () => {
  test("keeps to its limit and tells when something was cut", () => {
    const output = new KeptOutput(5);
    output.add(Buffer.from("abc"));
    output.add(Buffer.from("de"));
    expect([output.text(), output.truncated]).toEqual(["abcde", false]);
    output.add(Buffer.alloc(0));
    expect(output.truncated).toBe(false);
    output.add(Buffer.from("f"));
    expect([output.text(), output.truncated]).toEqual(["abcde", true]);
    const none = new KeptOutput(0);
    none.add(Buffer.from("x"));
    expect([none.text(), none.truncated]).toEqual(["", true]);
  });
});
