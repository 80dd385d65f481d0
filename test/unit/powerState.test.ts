import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { isScreenOn, parseLowPower, parsePower, powerCommand } from "../../src-main/device/powerState.ts";
import { goldenPhones, readGoldenPhone } from "./goldenPhones.ts";

const screen = (text: string) => isScreenOn(parsePower(text));

describe("the power manager", () => {
  it.each([
    ["mWakefulness=Awake", "awake", true],
    ["  mWakefulness=Asleep\n  mWakefulnessChanging=false", "asleep", false],
    ["mWakefulness=Dozing\nDisplay Power: state=DOZE", "dozing", false],
    ["mWakefulness=Dreaming\nDisplay Power: state=ON", "dreaming", true],
    ["mWakefulness=1", "awake", true],
    ["mWakefulness=0", "asleep", false],
    ["mWakefulness = Awake", "awake", true],
    ["mWakefulness=WAKEFULNESS_AWAKE", "awake", true],
    ["Wakefulness: Awake", "awake", true],
    ["mWakefulness=Awake\nDisplay Power: state=OFF", "awake", false],
    ["mWakefulness=Awake\nDisplay Power: state=OFF\nDisplay Power: state=ON", "awake", true],
    ["mScreenOn=true", null, true],
    ["mScreenOn=false", null, false],
    ["mPowerState=SCREEN_BRIGHT_BIT SCREEN_ON_BIT ", null, true],
    ["mInteractive=false", null, false],
    ["mHoldingDisplaySuspendBlocker=true", null, true],
    ["mWakefulness=Sideways", null, null],
    ["mWakefulness=7", null, null],
    ["", null, null],
  ])("%j", (text, wakefulness, on) => {
    expect(parsePower(text).wakefulness).toBe(wakefulness);
    expect(screen(text)).toBe(on);
  });

  it("tells whether it stays on and saves power", () => {
    expect(
      parsePower("mStayOn=true\nmStayOnWhilePluggedInSetting=7\nmLowPowerModeEnabled=true"),
    ).toMatchObject({
      stayOn: true,
      stayOnSources: 7,
      lowPower: true,
    });
    expect(parsePower("mBatterySaverEnabled=true").lowPower).toBe(true);
    expect(parsePower("mIsBatterySaverEnabled=false").lowPower).toBe(false);
    expect(parsePower("Battery Saver is currently: ON").lowPower).toBe(true);
    expect(parsePower("mStayOnSometimes=true")).toMatchObject({
      stayOn: null,
      stayOnSources: null,
      lowPower: null,
    });
  });

  it.each(goldenPhones)("of %s says the same when only the lines asked for come", (name) => {
    const whole = readGoldenPhone(name).get("power")!;
    const filter = powerCommand.split(" | ")[1]!;
    const lines = execFileSync("/bin/sh", ["-c", `${filter}; true`], {
      input: `POWER MANAGER (dumpsys power)\n  mDirty=0x0\n${whole}\n  mBootCompleted=true\n`,
      encoding: "utf8",
    });
    expect(lines).not.toContain("mDirty");
    expect(parsePower(lines)).toEqual(parsePower(whole));
  });
});

describe("battery saver's setting", () => {
  it("is off when it was never touched, unknown when it cannot be read", () => {
    expect(parseLowPower("1\n")).toBe(true);
    expect(parseLowPower("0")).toBe(false);
    expect(parseLowPower("null\r\n")).toBe(false);
    expect(parseLowPower("")).toBeNull();
    expect(parseLowPower("cmd: Can't find service: settings")).toBeNull();
  });
});
