import { describe, expect, it } from "vitest";
import { parseBattery, parseTenths } from "../../src-main/device/battery.ts";
import { readGoldenPhone } from "./goldenPhones.ts";

const read = (name: string) => parseBattery(readGoldenPhone(name).get("battery")!);

describe("the battery service", () => {
  it("tells level, temperature and power", () => {
    expect(read("xiaomi")).toEqual({
      percent: 45,
      temperatureC: 41.2,
      charging: true,
      powered: true,
      usbPowered: false,
    });
  });

  it("that keeps a full-enough battery from charging is plugged in all the same", () => {
    expect(read("pixel")).toMatchObject({ percent: 80, charging: false, powered: true, usbPowered: true });
  });

  it("is read to the end of its state, not into the log behind it", () => {
    expect(read("samsung")).toMatchObject({
      percent: 74,
      temperatureC: 31.7,
      charging: false,
      powered: false,
    });
  });

  it("has its own scale, and may be below freezing", () => {
    expect(read("fourClusters")).toMatchObject({ percent: 90, temperatureC: -1.5 });
  });

  it("of a board without a battery tells its power only", () => {
    expect(read("board")).toEqual({
      percent: null,
      temperatureC: null,
      charging: null,
      powered: true,
      usbPowered: false,
    });
  });

  it("goes by the plugs where the status is unknown", () => {
    expect(parseBattery("USB powered: true\nstatus: 1\nlevel: 50").charging).toBe(true);
    expect(parseBattery("status: 3\nUSB powered: true").charging).toBe(false);
    expect(parseBattery("status: 9").charging).toBeNull();
  });

  it("is unknown where it says nothing or nonsense", () => {
    const nothing = { percent: null, temperatureC: null, charging: null, powered: null, usbPowered: null };
    for (const text of ["", "Can't find service: battery", "level: 900\ntemperature: 99999\nstatus: ok"])
      expect(parseBattery(text)).toEqual(nothing);
  });

  it("reads tenths of a degree", () => {
    expect(parseTenths("285")).toBe(28.5);
    expect(parseTenths("-15")).toBe(-1.5);
    for (const text of ["0", "", "28500", "x", undefined]) expect(parseTenths(text)).toBeNull();
  });
});
