import { describe, expect, it } from "vitest";
import { chooseTemperature, findHottest, parseThermal } from "../../src-main/device/thermal.ts";
import { readGoldenPhone } from "./goldenPhones.ts";

describe("the thermal service", () => {
  it("is read in the new form, from the hardware and not from the cache", () => {
    const thermal = parseThermal(readGoldenPhone("pixel").get("thermal")!);
    expect(thermal.status).toBe("none");
    expect(thermal.sensors.length).toBe(9);
    expect(thermal.sensors[2]).toEqual({ name: "BIG", kind: "cpu", temperatureC: 38.5 });
    expect(findHottest(thermal, "cpu")).toBe(38.5);
    expect(findHottest(thermal, "gpu")).toBe(34);
    expect(findHottest(thermal, "skin")).toBe(28.1);
  });

  it("is read in the old form, without its cooling devices", () => {
    const thermal = parseThermal(readGoldenPhone("xiaomi").get("thermal")!);
    expect(thermal.status).toBe("moderate");
    expect(thermal.sensors.map(({ name }) => name)).toEqual([
      "cpu-0-0-usr",
      "cpu-1-3-usr",
      "gpuss-0-usr",
      "battery",
      "quiet-therm-adc",
    ]);
    expect(findHottest(thermal, "cpu")).toBe(69.9);
  });

  it("does not take sensors for real that are not there", () => {
    expect(findHottest(parseThermal(readGoldenPhone("samsung").get("thermal")!), "battery")).toBe(31.7);
    expect(parseThermal(readGoldenPhone("samsung").get("thermal")!).sensors.map(({ name }) => name)).toEqual([
      "AP",
      "BAT",
      "SKIN",
      "PA",
    ]);
    const odd = parseThermal(readGoldenPhone("fourClusters").get("thermal")!);
    // Thousandths of a degree from one vendor's service; NaN and absolute zero from others.
    expect(odd.sensors).toEqual([
      { name: "cpu-2-2-0", kind: "cpu", temperatureC: 33.512 },
      { name: "shell_front", kind: "skin", temperatureC: 29.5 },
    ]);
  });

  it("falls back to cached readings and tells types by word", () => {
    const text =
      "Cached temperatures:\n Temperature{mValue=50.5, mType=0, mName=c, mStatus=0}\nName: s, Type: SKIN, Status: 0, Value: 33.0";
    expect(parseThermal(text).sensors).toEqual([
      { name: "c", kind: "cpu", temperatureC: 50.5 },
      { name: "s", kind: "skin", temperatureC: 33 },
    ]);
  });

  it.each(["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"])(
    "has the status %s",
    (status) => {
      const words = ["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"];
      expect(parseThermal(`Thermal Status: ${words.indexOf(status)}`).status).toBe(status);
    },
  );

  it("is unknown where there is none", () => {
    for (const text of ["", "Can't find service: thermalservice", "Thermal Status: 9", "Thermal Status: x"])
      expect(parseThermal(text)).toEqual({ status: null, sensors: [] });
  });

  it("gives the battery's temperature first, then the skin's, then the hottest core's", () => {
    const thermal = parseThermal(
      "Temperature{mValue=60.0, mType=0, mName=a}\nTemperature{mValue=70.0, mType=0, mName=b}\nTemperature{mValue=33.0, mType=3, mName=s}",
    );
    const cores = { ...thermal, sensors: thermal.sensors.slice(0, 2) };
    expect(chooseTemperature(30, thermal)).toBe(30);
    expect(chooseTemperature(null, thermal)).toBe(33);
    expect(chooseTemperature(null, cores)).toBe(70);
    expect(chooseTemperature(null, { status: null, sensors: [] })).toBeNull();
  });
});
