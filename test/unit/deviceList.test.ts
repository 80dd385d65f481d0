import { describe, expect, test } from "vitest";
import { explainState, readDeviceList } from "../../src-main/device/deviceList.ts";
import { createRandom } from "../../src-main/model/random.ts";

function pad(serial: string, rest: string): string {
  return `${serial.padEnd(22)} ${rest}\n`;
}

describe("readDeviceList", () => {
  test("a ready phone, as adb 29 and 35 write it", () => {
    const line = pad(
      "9A261FFAZ00123",
      "device usb:1-4 product:oriole model:Pixel_6 device:oriole transport_id:12",
    );
    expect(readDeviceList(line)).toEqual([
      { serial: "9A261FFAZ00123", word: "device", model: "Pixel_6", transportId: "12" },
    ]);
  });

  test("each state, with what adb writes around it", () => {
    const lines = [
      pad("A", "unauthorized usb:1-1 transport_id:1"),
      pad("B", "offline transport_id:2"),
      pad("C", "recovery usb:1-3 product:x model:Mi_9 device:cepheus transport_id:3"),
      pad("D", "sideload usb:1-5 transport_id:4"),
      pad("E", "bootloader transport_id:5"),
      pad("F", "authorizing transport_id:6"),
      pad("G", "connecting transport_id:7"),
      pad("H", "host transport_id:8"),
      pad("I", "hibernating usb:2-1 transport_id:9"),
      pad(
        "????????????",
        "no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html] usb:1-4 transport_id:10",
      ),
      pad(
        "J",
        "no permissions; see [http://developer.android.com/tools/device.html] usb:3-1 transport_id:11",
      ),
      pad("K", "no permissions usb:3-1 transport_id:12"),
      pad("L", "rescue transport_id:13"),
      pad("M", "detached transport_id:14"),
    ].join("");
    const list = readDeviceList(lines);
    expect(list.map(({ transportId }) => Number(transportId))).toEqual(
      [...Array(14).keys()].map((n) => n + 1),
    );
    expect(list.map(({ serial }) => serial).join("")).toBe("ABCDEFGHI????????????JKLM");
    expect(list.map(({ word }) => explainState(word).state)).toEqual([
      "unauthorized",
      "offline",
      "recovery",
      "sideload",
      "unavailable",
      "unauthorized",
      "offline",
      "unavailable",
      "unavailable",
      "no-permissions",
      "no-permissions",
      "no-permissions",
      "recovery",
      "unavailable",
    ]);
    expect(list[9]?.word).toContain("plugdev group");
  });

  test("serials of odd characters, spaces, and longer than their column", () => {
    const long = "adb-9A261FFAZ00123-Xy1Zq2._adb-tls-connect._tcp";
    const text =
      pad("(no serial number)", "device usb:1-1 transport_id:1") +
      pad("my device offline", "device model:A_B transport_id:2") +
      `${long} device product:p model:M device:d transport_id:3\n` +
      pad("[fe80::1%eth0]:5555", "device transport_id:4") +
      pad("$(reboot)'\"`;", "device transport_id:5") +
      `${"ünï 日".padEnd(18)} device transport_id:6\n` +
      "short form\toffline\n" +
      pad("transport_id:9", "device transport_id:8");
    expect(readDeviceList(text).map(({ serial, word, transportId }) => [serial, word, transportId])).toEqual([
      ["(no serial number)", "device", "1"],
      ["my device offline", "device", "2"],
      [long, "device", "3"],
      ["[fe80::1%eth0]:5555", "device", "4"],
      ["$(reboot)'\"`;", "device", "5"],
      ["ünï", "日", "6"],
      ["short form", "offline", null],
      ["transport_id:9", "device", "8"],
    ]);
  });

  test("what a phone says of itself cannot pass for its transport", () => {
    const line = pad(
      "S",
      "device product:x transport_id:7 model:Nice_transport_id:8 device:y transport_id:3",
    );
    expect(readDeviceList(line)[0]?.transportId).toBe("3");
  });

  test("CRLF, empty lines, no transport, no state, nothing at all", () => {
    expect(readDeviceList("")).toEqual([]);
    expect(readDeviceList("\r\n\n   \n\t\n")).toEqual([]);
    expect(readDeviceList("A                      device model:M_1\r\nB\r\n")).toEqual([
      { serial: "A", word: "device", model: "M_1", transportId: null },
    ]);
    expect(readDeviceList("A device transport_id:12x\n")[0]?.transportId).toBeNull();
  });

  test("megabytes are read in no time and give a bounded list", () => {
    const endless = `${"x".repeat(2_000_000)} ${" ".repeat(2_000_000)}device`;
    const started = performance.now();
    expect(readDeviceList(endless)).toEqual([]);
    expect(readDeviceList(" ".repeat(4_000_000))).toEqual([]);
    expect(readDeviceList(`${pad("A", "device transport_id:1").repeat(100_000)}`).length).toBe(1000);
    expect(readDeviceList(`${"s".repeat(3000)} ${"w".repeat(1000)}\n`)[0]?.serial.length).toBe(256);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("seeded rubbish never throws", () => {
    const random = createRandom(3);
    const pieces = [
      "device",
      "offline",
      "no permissions",
      " ",
      "  ",
      "\t",
      "\r",
      "\n",
      "(",
      ")",
      "[",
      "]",
      ";",
      ":",
      "model:",
      "transport_id:",
      "1",
      "é",
      "\0",
      "\u2028",
    ];
    for (let round = 0; round < 2000; round++) {
      const text = Array.from({ length: random.int(0, 30) }, () => random.pick(pieces)).join("");
      for (const line of readDeviceList(text)) {
        expect(line.serial.length).toBeGreaterThan(0);
        expect(line.word.length).toBeGreaterThan(0);
        expect(explainState(line.word).state).toBeTruthy();
      }
    }
  });
});

describe("explainState", () => {
  test("only a ready phone has no problem; every other says what to do", () => {
    expect(explainState("device")).toEqual({ state: "ready", problem: null, remedy: null, passing: false });
    const remedies: [string, RegExp][] = [
      ["unauthorized", /Unlock the phone and accept the dialog "Allow USB debugging"/],
      ["no permissions", /udev.*plugdev/],
      ["offline", /Plug it in again.*adb reconnect/],
      ["recovery", /[Rr]eboot/],
      ["sideload", /[Rr]eboot/],
      ["bootloader", /reboot/],
      ["connecting", /Wait/],
      ["authorizing", /Wait/],
      ["host", /Unplug/],
      ["$(x)\u0007", /update adb/],
    ];
    for (const [word, remedy] of remedies) {
      expect(explainState(word).problem).toBeTruthy();
      expect(explainState(word).remedy).toMatch(remedy);
    }
  });

  test("what passes by itself is told apart", () => {
    const passing = ["connecting", "authorizing", "offline", "device", "unauthorized"].map(
      (word) => explainState(word).passing,
    );
    expect(passing).toEqual([true, true, true, false, false]);
  });
});
