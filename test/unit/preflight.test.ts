import { describe, expect, it } from "vitest";
import { composeCoreSet } from "../../src-main/device/cores.ts";
import { affinityCommand, judgeAffinity, parseAllowedMask } from "../../src-main/device/affinity.ts";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import { parseBenchmarks, stopBenchmarks } from "../../src-main/device/phoneProcesses.ts";
import { runCheck, runPreflight } from "../../src-main/device/preflight.ts";
import { type PreflightOptions, preflightChecks } from "../../src-main/device/preflightChecks.ts";
import { applyRemedy, isPhoneRemedy, setFixedPerformance } from "../../src-main/device/remedies.ts";
import type { PreflightCheck } from "../../src-main/lab/contract.ts";
import { cancelled } from "../../src-main/lab/errors.ts";
import { binaryMissing, phoneLost, phoneRefused } from "../../src-main/lab/phoneErrors.ts";
import { TablePhone, readGoldenPhone } from "./goldenPhones.ts";

const clusters = [
  { name: "large", cpus: [7], maxMhz: 2841 },
  { name: "small", cpus: [0, 1, 2, 3], maxMhz: 1785 },
];
const coreSets = ["1large", "4small"].map((name) => composeCoreSet(clusters, name)!);
const binary: PreflightCheck = {
  id: "binary",
  title: "Benchmark program",
  state: "ok",
  detail: "there",
  remedy: null,
  action: null,
};

const options: PreflightOptions = {
  coreSets,
  startTemperatureC: 35,
  checkBinary: () => Promise.resolve(binary),
};

/** Answers of a phone that is fit in every way. */
const fit: Record<string, string> = {
  mask0: "Cpus_allowed:\t80\nexit 0\n",
  mask1: "Cpus_allowed:\t0f\nexit 0\n",
  space: "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 90000000 1 80000000 1% /data",
  power: "mWakefulness=Awake\nmStayOn=true\nmStayOnWhilePluggedInSetting=2",
  stayOn: "2",
  battery: "USB powered: true\nstatus: 2\nlevel: 60\nscale: 100\ntemperature: 290",
  thermal: "Thermal Status: 0",
  lowPower: "0",
  processes: "  PID ARGS\n    1 init\n  900 com.android.systemui",
  sdk: "34",
  fixed: "  set-fixed-performance-mode-enabled [true|false]",
  stat: "cpu  100 0 100 800 0 0 0\ncpu  110 0 110 1580 0 0 0",
  load: "9.00 9.00 9.00 1/2 3",
  online: "0-7",
};

function phone(changes: Record<string, string | Error> = {}): TablePhone {
  return new TablePhone(new Map(Object.entries({ ...fit, ...changes })));
}

async function check(
  id: string,
  changes: Record<string, string | Error> = {},
  changedOptions: Partial<PreflightOptions> = {},
): Promise<PreflightCheck> {
  return await runCheck(phone(changes), id, { ...options, ...changedOptions });
}

describe("the preflight", () => {
  it("of a phone that is fit has every check, all well, one after the other", async () => {
    const told: PreflightCheck[] = [];
    const checks = await runPreflight(phone(), options, (one) => told.push(one));
    expect(told).toEqual(checks);
    expect(checks.map(({ id }) => id)).toEqual([
      "binary",
      "core-mask",
      "space",
      "screen",
      "stay-awake",
      "battery",
      "temperature",
      "thermal",
      "low-power",
      "other-benchmarks",
      "fixed-performance",
      "load",
    ]);
    expect(checks.filter(({ state }) => state !== "ok")).toEqual([]);
    for (const { title, detail } of checks) {
      expect(title).not.toBe("");
      expect(detail).not.toBe("");
    }
  });

  it("of a phone that answers nothing knows nothing, and fails nothing", async () => {
    const checks = await runPreflight(new TablePhone(new Map()), options);
    expect(new Set(checks.slice(1).map(({ state }) => state))).toEqual(new Set(["unknown"]));
    expect(checks.map(({ action }) => action).filter((action) => action !== null)).toEqual([]);
  });

  it("of a phone that refuses to answer is the same, and goes on to the last check", async () => {
    const refusing = phone({ mask0: phoneRefused("R5CT", "answer", "timeout") });
    const checks = await runPreflight(refusing, options);
    expect(checks.length).toBe(12);
    expect(checks.find(({ id }) => id === "screen")?.state).toBe("unknown");
    expect(checks.at(-1)).toMatchObject({ id: "load", state: "ok" });
  });

  it("ends when the phone is lost or it is cancelled", async () => {
    await expect(
      runPreflight(phone({ space: phoneLost("R5CT", "checking") }), options),
    ).rejects.toMatchObject({
      code: "phone-lost",
    });
    const ended = { ...options, checkBinary: () => Promise.reject(cancelled()) };
    await expect(runPreflight(phone(), ended)).rejects.toMatchObject({ code: "cancelled" });
  });

  it("says what to do about a program that is missing", async () => {
    const none = { checkBinary: () => Promise.reject(binaryMissing("R5CT", "arm64-v8a")) };
    expect(await check("binary", {}, none)).toMatchObject({ state: "failed", action: "install-binary" });
  });

  it("asks a phone twice in all, and a single check only its own", async () => {
    const asked = phone();
    await runPreflight(asked, options);
    expect(asked.asked.length).toBe(2);
    const single = phone();
    await runCheck(single, "space", options);
    expect(single.asked[0]).toContain("df -k");
    expect(single.asked[0]).not.toContain("dumpsys");
    await expect(runCheck(phone(), "no-such", options)).rejects.toThrow("no-such");
  });

  it("asks for nothing that changes the phone", () => {
    const commands = preflightChecks.flatMap((one) => Object.values(one.ask(options))).join("\n");
    expect(commands).not.toMatch(
      /\b(?:put|rm|kill|input|svc|mkdir|setprop|set-mode)\b|enabled (?:true|false)|>(?!&|\/dev)/,
    );
  });
});

describe("cores", () => {
  it("are tried as toybox takes them", () => {
    expect(affinityCommand(coreSets[0]!)).toBe(
      "taskset 80 sh -c 'grep Cpus_allowed: /proc/$$/status' 2>&1; echo \"exit $?\"",
    );
  });

  it("are read back whatever the kernel's width", () => {
    expect(parseAllowedMask("Name:\tsh\nCpus_allowed:\t00000000,000000f0\nCpus_allowed_list:\t4-7")).toBe(
      "f0",
    );
    expect(parseAllowedMask("Cpus_allowed_list:\t4-7")).toBeNull();
    expect(judgeAffinity(coreSets[1]!, "Cpus_allowed:\t0000000f\nexit 0")).toEqual({ state: "taken" });
  });

  it("that the phone refuses or changes are a failure that says which and how", async () => {
    expect(
      await check("core-mask", {
        mask0: "taskset: failed to set 1234's affinity: Invalid argument\nexit 1\n",
      }),
    ).toMatchObject({
      state: "failed",
      detail: "1large: taskset: failed to set 1234's affinity: Invalid argument",
    });
    expect(await check("core-mask", { mask1: "Cpus_allowed:\t07\nexit 0" })).toMatchObject({
      state: "failed",
      detail: "4small: asked for mask f, got 7",
    });
    expect(await check("core-mask", { mask0: "sh: taskset: not found\nexit 127" })).toMatchObject({
      state: "failed",
      detail: "1large: the phone has no taskset to choose cores with",
    });
  });

  it("that cannot be read back are unknown, and none at all is well", async () => {
    expect(await check("core-mask", { mask0: "exit 0" })).toMatchObject({ state: "unknown" });
    expect(await check("core-mask", { mask1: "" })).toMatchObject({ state: "unknown" });
    expect(await check("core-mask", {}, { coreSets: [] })).toMatchObject({ state: "ok" });
  });
});

describe("each check", () => {
  const df = (kb: number) => `Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/x 1 1 ${kb} 1% /data`;

  it.each<[string, string, Record<string, string>, Partial<PreflightCheck>]>([
    ["space", "too little", { space: df(100_000) }, { state: "failed", action: "free-space" }],
    ["space", "just enough", { space: df(195_313) }, { state: "ok" }],
    ["space", "not told", { space: "df: Permission denied" }, { state: "unknown" }],
    ["screen", "off", { power: "mWakefulness=Asleep" }, { state: "failed", action: "wake-screen" }],
    [
      "screen",
      "always-on display",
      { power: "mWakefulness=Dozing" },
      { state: "failed", action: "wake-screen" },
    ],
    [
      "screen",
      "screen saver",
      { power: "mWakefulness=Dreaming" },
      { state: "warning", action: "wake-screen" },
    ],
    ["screen", "not told", { power: "" }, { state: "unknown" }],
    [
      "stay-awake",
      "never",
      { stayOn: "0", power: "mStayOn=false" },
      { state: "warning", action: "stay-awake" },
    ],
    [
      "stay-awake",
      "never touched",
      { stayOn: "null", power: "" },
      { state: "warning", action: "stay-awake" },
    ],
    [
      "stay-awake",
      "from the power manager",
      { stayOn: "", power: "mStayOnWhilePluggedInSetting=0" },
      { state: "warning" },
    ],
    [
      "stay-awake",
      "unplugged",
      { power: "mStayOn=false", battery: "USB powered: false\nAC powered: false" },
      { state: "warning", action: null },
    ],
    ["stay-awake", "on another plug", { power: "mStayOn=false" }, { state: "warning", action: "stay-awake" }],
    ["stay-awake", "set and plugged in", { power: "" }, { state: "ok" }],
    ["stay-awake", "not told", { stayOn: "", power: "" }, { state: "unknown" }],
    ["battery", "low but charging", { battery: "status: 2\nlevel: 5" }, { state: "ok" }],
    ["battery", "at 20 %", { battery: "status: 3\nlevel: 20" }, { state: "ok" }],
    ["battery", "below 20 %", { battery: "status: 3\nlevel: 19" }, { state: "warning" }],
    ["battery", "nearly empty", { battery: "status: 3\nlevel: 9" }, { state: "failed" }],
    ["battery", "none", { battery: "AC powered: true\npresent: false" }, { state: "ok" }],
    ["temperature", "at the start temperature", { battery: "temperature: 350" }, { state: "ok" }],
    ["temperature", "above it", { battery: "temperature: 351" }, { state: "warning" }],
    ["temperature", "no battery", { battery: "present: false\ntemperature: 0" }, { state: "unknown" }],
    ["thermal", "light", { thermal: "Thermal Status: 1" }, { state: "warning" }],
    ["thermal", "severe", { thermal: "Thermal Status: 3" }, { state: "warning" }],
    ["thermal", "critical", { thermal: "Thermal Status: 4" }, { state: "failed" }],
    ["thermal", "none of it", { thermal: "Can't find service: thermalservice" }, { state: "unknown" }],
    ["low-power", "on", { lowPower: "1" }, { state: "failed", action: "low-power-off" }],
    [
      "low-power",
      "on by the power manager",
      { lowPower: "", power: "mLowPowerModeEnabled=true" },
      { state: "failed" },
    ],
    ["low-power", "never touched", { lowPower: "null" }, { state: "ok" }],
    ["low-power", "not told", { lowPower: "", power: "" }, { state: "unknown" }],
    ["fixed-performance", "Android 11", { sdk: "30" }, { state: "ok", action: "fixed-performance" }],
    ["fixed-performance", "Android 10", { sdk: "29" }, { state: "unknown", action: null }],
    ["fixed-performance", "not offered", { fixed: "" }, { state: "unknown", action: null }],
    [
      "load",
      "busy",
      { stat: "cpu  0 0 0 0 0 0 0\ncpu  50 0 0 50 0 0 0" },
      { state: "warning", detail: expect.stringContaining("50 %") as string },
    ],
    ["load", "by the load average", { stat: "", load: "4.0 1 1 1/2 3" }, { state: "warning" }],
    ["load", "quiet by the load average", { stat: "", load: "0.4 1 1 1/2 3" }, { state: "ok" }],
    ["load", "not told", { stat: "", online: "" }, { state: "unknown" }],
    [
      "other-benchmarks",
      "one of ours",
      { processes: `  PID ARGS\n 4242 ${phoneFolder}/ab/benchmark_model --graph=x` },
      { state: "failed", action: "stop-benchmarks" },
    ],
    [
      "other-benchmarks",
      "of somebody",
      { processes: "  PID ARGS\n 4242 /data/local/tmp/benchmark_model --graph=x" },
      { state: "warning", action: null },
    ],
    ["other-benchmarks", "not told", { processes: "sh: ps: not found" }, { state: "unknown" }],
  ])("%s, %s", async (id, _, changes, found) => {
    const result = await check(id, changes);
    expect(result).toMatchObject({ id, ...found });
    if (result.state === "failed" || result.state === "warning") expect(result.remedy).toMatch(/\.$/);
    if (result.state === "ok") expect(result.remedy).toBeNull();
  });
});

describe("benchmarks on a phone", () => {
  it("are found in lists of several Androids", () => {
    const ours = `${phoneFolder}/9f/benchmark_model`;
    expect(
      parseBenchmarks(
        `  PID ARGS\n    1 /system/bin/init second_stage\n  77 taskset f0 ${ours} --graph=a b.tflite\n  78 com.antutu.ABenchMark\n  79 sh -c echo '@@0123456789abcdef x' ${ours}`,
      ),
    ).toEqual([
      { pid: 77, command: `taskset f0 ${ours} --graph=a b.tflite`, ours: true },
      { pid: 78, command: "com.antutu.ABenchMark", ours: false },
    ]);
    // Toolbox: a state stands before the name and has no heading.
    const old = `USER     PID   PPID  VSIZE  RSS     WCHAN    PC         NAME\nshell     4711  1     9876   1234  ffffffff 00000000 S ${ours}`;
    expect(parseBenchmarks(old)).toEqual([{ pid: 4711, command: ours, ours: true }]);
    expect(parseBenchmarks("nothing")).toBeNull();
  });

  it("are not the first process, nor lines without a number", () => {
    expect(parseBenchmarks(`PID ARGS\n1 ${phoneFolder}/x\n-5 ${phoneFolder}/x\nab ${phoneFolder}/x`)).toEqual(
      [],
    );
  });

  it("are stopped when they are ours", async () => {
    const list = `PID ARGS\n10 ${phoneFolder}/a/benchmark_model\n11 geekbench\n12 ${phoneFolder}/b/x`;
    const stopped = new TablePhone(new Map(), (command) =>
      command.includes("ps -A") ? { stdout: list } : command.startsWith("kill") ? {} : undefined,
    );
    expect(await stopBenchmarks(stopped)).toBe(2);
    expect(stopped.asked[1]).toBe("kill -9 10 12");
    const none = new TablePhone(new Map(), () => ({ stdout: "PID ARGS\n11 geekbench" }));
    expect(await stopBenchmarks(none)).toBe(0);
    expect(none.asked.length).toBe(1);
  });
});

describe("remedies", () => {
  it("do what they say and check again", async () => {
    let awake = false;
    const sleeping = phone({ power: "mWakefulness=Asleep" });
    const answer = sleeping.run.bind(sleeping);
    sleeping.run = (command, runOptions) => {
      if (command.includes("KEYCODE_WAKEUP")) awake = true;
      return awake && !command.includes("KEYCODE_WAKEUP")
        ? phone().run(command)
        : answer(command, runOptions);
    };
    expect(await runCheck(sleeping, "screen", options)).toMatchObject({
      state: "failed",
      action: "wake-screen",
    });
    expect(await applyRemedy(sleeping, "wake-screen", options)).toMatchObject({ id: "screen", state: "ok" });
  });

  it.each([
    ["wake-screen", "screen", "input keyevent KEYCODE_WAKEUP; wm dismiss-keyguard"],
    ["stay-awake", "stay-awake", "svc power stayon usb"],
    ["low-power-off", "low-power", "settings put global low_power 0"],
    ["fixed-performance", "fixed-performance", "cmd power set-fixed-performance-mode-enabled true"],
    ["stop-benchmarks", "other-benchmarks", "ps -A"],
  ] as const)("%s answers with the check %s", async (remedy, id, command) => {
    const asked = new TablePhone(new Map(Object.entries(fit)), () => ({}));
    expect(await applyRemedy(asked, remedy, options)).toMatchObject({ id, state: "ok" });
    expect(asked.asked[0]).toContain(command);
    expect(asked.asked.length).toBe(2);
  });

  it("that the lab does are not the phone's", () => {
    expect(isPhoneRemedy("wake-screen")).toBe(true);
    expect(isPhoneRemedy("install-binary")).toBe(false);
    expect(isPhoneRemedy("free-space")).toBe(false);
  });

  it("set and reset fixed performance, and know when the phone did not take it", async () => {
    const answering = (answer: object) => new TablePhone(new Map(Object.entries(fit)), () => answer);
    const taking = answering({});
    expect(await setFixedPerformance(taking, false)).toBe(true);
    expect(taking.asked[0]).toContain("enabled false");
    for (const answer of [
      { exitCode: 255, stdout: "" },
      { stdout: "Failed to set FIXED_PERFORMANCE mode\n" },
      { stderr: "Unknown command: set-fixed-performance-mode-enabled" },
      { exitCode: 20, stderr: "cmd: Can't find service: power" },
    ])
      expect(await setFixedPerformance(answering(answer), true)).toBe(false);
    expect(await applyRemedy(answering({ exitCode: 255 }), "fixed-performance", options)).toMatchObject({
      state: "warning",
      action: null,
    });
  });
});

describe("a described phone before a run", () => {
  it.each([
    ["pixel", {}],
    ["samsung", { screen: "failed", "stay-awake": "warning", thermal: "warning" }],
    [
      "xiaomi",
      { "low-power": "failed", temperature: "warning", thermal: "warning", "stay-awake": "warning" },
    ],
    ["mediatek", { screen: "warning", "stay-awake": "warning", thermal: "unknown" }],
    [
      "board",
      {
        screen: "unknown",
        "stay-awake": "unknown",
        temperature: "unknown",
        "low-power": "unknown",
        space: "unknown",
      },
    ],
  ])("%s", async (name, unfit) => {
    const golden = Object.fromEntries(readGoldenPhone(name));
    const described = phone({ space: "", ...golden, stayOn: "" });
    const found = Object.fromEntries(
      (await runPreflight(described, options)).map(({ id, state }) => [id, state]),
    );
    const others = ["screen", "stay-awake", "battery", "temperature", "thermal", "low-power", "space"];
    expect(Object.fromEntries(others.map((id) => [id, found[id]]))).toEqual({
      ...Object.fromEntries(others.map((id) => [id, "ok"])),
      ...unfit,
    });
  });
});
