import type { CoreSet, PreflightCheck } from "../lab/contract.ts";
import { formatBytes } from "../lab/format.ts";
import { affinityCommand, judgeAffinity } from "./affinity.ts";
import { parseBattery } from "./battery.ts";
import { parseCpus } from "./cpuTopology.ts";
import { compareCpuTimes, parseCpuTimes, parseLoad } from "./phoneLoad.ts";
import { freeSpaceCommand, parseFreeSpace } from "./phoneMemory.ts";
import { parseBenchmarks, processesCommand } from "./phoneProcesses.ts";
import { parseNumber } from "./phoneText.ts";
import { isScreenOn, parseLowPower, parsePower, powerCommand } from "./powerState.ts";
import { parseThermal } from "./thermal.ts";

/** What a phone is checked for. */
export interface PreflightOptions {
  /** The core sets of the run; none for a run on the GPU alone. */
  coreSets: readonly CoreSet[];
  /** °C the battery may have when a measurement starts. */
  startTemperatureC: number;
  /** Room the run needs for models and binary; 200 MB when absent. */
  neededBytes?: number | undefined;
  /** The lab has set fixed-performance mode. */
  fixedPerformance?: boolean | undefined;
  /** Looks for the benchmark program and tries it. */
  checkBinary(): Promise<PreflightCheck>;
  signal?: AbortSignal | undefined;
}

/** What a check found. */
export type Finding = Omit<PreflightCheck, "id" | "title">;

/** One check: what it asks the phone and what it makes of the answers. */
export interface Check {
  id: string;
  title: string;
  /** Shell commands by name; checks that ask the same under the same name share the answer. */
  ask(options: PreflightOptions): Record<string, string>;
  /** `said` gives what the phone printed, empty where it did not answer. */
  judge(said: (name: string) => string, options: PreflightOptions): Finding;
}

const ok = (detail: string): Finding => ({ state: "ok", detail, remedy: null, action: null });
const unknown = (detail: string, remedy: string | null = null): Finding => ({
  state: "unknown",
  detail,
  remedy,
  action: null,
});

const askPower = { power: powerCommand };
const askBattery = { battery: "dumpsys battery" };

const defaultNeededBytes = 200e6;
const enoughBatteryPercent = 20;
const emptyBatteryPercent = 10;
const quietShare = 0.1;

const coreMask: Check = {
  id: "core-mask",
  title: "Cores can be chosen",
  ask: ({ coreSets }) =>
    Object.fromEntries(coreSets.map((coreSet, index) => [`mask${index}`, affinityCommand(coreSet)])),
  judge(said, { coreSets }) {
    if (coreSets.length === 0) return ok("No core set is asked for");
    const verdicts = coreSets.map((coreSet, index) => ({
      name: coreSet.name,
      ...judgeAffinity(coreSet, said(`mask${index}`)),
    }));
    const refused = verdicts.filter((verdict) => verdict.state === "refused");
    if (refused.length > 0)
      return {
        state: "failed",
        detail: refused.map(({ name, reason }) => `${name}: ${reason}`).join("; "),
        remedy:
          "Choose other cores. Cores that are switched off or kept from programs now may come back when the phone is awake, cool and out of battery saver.",
        action: null,
      };
    const silent = verdicts.find((verdict) => verdict.state === "unknown");
    if (silent)
      return unknown(`${silent.name}: ${silent.reason}`, "Measured times may be those of other cores.");
    return ok(`${verdicts.map(({ name }) => name).join(", ")} as asked`);
  },
};

const space: Check = {
  id: "space",
  title: "Free space",
  ask: () => ({ space: freeSpaceCommand }),
  judge(said, { neededBytes = defaultNeededBytes }) {
    const free = parseFreeSpace(said("space"));
    if (free === null) return unknown("The phone does not tell its free space");
    if (free >= neededBytes) return ok(`${formatBytes(free)} free`);
    return {
      state: "failed",
      detail: `${formatBytes(free)} free, ${formatBytes(neededBytes)} needed`,
      remedy: "Let the lab remove its models from the phone, or delete something there.",
      action: "free-space",
    };
  },
};

const screen: Check = {
  id: "screen",
  title: "Screen on and awake",
  ask: () => askPower,
  judge(said) {
    const power = parsePower(said("power"));
    const on = isScreenOn(power);
    if (on === null)
      return unknown("The phone does not tell whether it is awake", "See to it that its screen is on.");
    if (on && power.wakefulness !== "dreaming") return ok("On");
    return {
      state: on ? "warning" : "failed",
      detail: on
        ? "A screen saver is showing"
        : "The screen is off: the phone then slows programs down or keeps them on its slowest cores",
      remedy: "Wake the phone and unlock it.",
      action: "wake-screen",
    };
  },
};

const stayAwake: Check = {
  id: "stay-awake",
  title: "Stays awake",
  ask: () => ({ ...askPower, ...askBattery, stayOn: "settings get global stay_on_while_plugged_in" }),
  judge(said) {
    const power = parsePower(said("power"));
    const { powered } = parseBattery(said("battery"));
    const sources = parseNumber(said("stayOn"), 0, 255) ?? power.stayOnSources;
    if (power.stayOn === true) return ok("Stays awake while plugged in");
    // A setting nobody touched reads null and means never.
    if (sources === null && said("stayOn").trim() !== "null")
      return power.stayOn === null
        ? unknown(
            "The phone does not tell when its screen goes off",
            "Set its screen timeout to the longest.",
          )
        : goesOff("The screen goes off by itself during a run");
    if (!sources) return goesOff("The screen goes off by itself during a run");
    if (powered === false)
      return {
        state: "warning",
        detail: "Stays awake only while plugged in, and it is not",
        remedy: "Plug it in, or set its screen timeout to the longest.",
        action: null,
      };
    return power.stayOn === false
      ? goesOff("Stays awake only on another kind of power than it has now")
      : ok("Stays awake while plugged in");
  },
};

function goesOff(detail: string): Finding {
  return {
    state: "warning",
    detail,
    remedy: "Let the lab keep it awake while it is plugged in, or set its screen timeout to the longest.",
    action: "stay-awake",
  };
}

const battery: Check = {
  id: "battery",
  title: "Battery level",
  ask: () => askBattery,
  judge(said) {
    const { percent, charging, powered } = parseBattery(said("battery"));
    if (percent === null)
      return powered === true ? ok("Runs on mains power") : unknown("The phone does not tell its battery");
    if (charging) return ok(`${percent} %, charging`);
    if (percent >= enoughBatteryPercent) return ok(`${percent} %`);
    return {
      state: percent < emptyBatteryPercent ? "failed" : "warning",
      detail: `${percent} % and not charging: the phone slows down or switches itself off`,
      remedy: "Charge it.",
      action: null,
    };
  },
};

const temperature: Check = {
  id: "temperature",
  title: "Battery temperature",
  ask: () => askBattery,
  judge(said, { startTemperatureC }) {
    const { temperatureC } = parseBattery(said("battery"));
    if (temperatureC === null)
      return unknown("The phone does not tell its battery's temperature; a run goes by its thermal status");
    if (temperatureC <= startTemperatureC) return ok(`${temperatureC.toFixed(1)} °C`);
    return {
      state: "warning",
      detail: `${temperatureC.toFixed(1)} °C: a run waits until it is at most ${startTemperatureC} °C`,
      remedy: "Let it cool: out of its case and the sun, on a slow charger. Or raise the start temperature.",
      action: null,
    };
  },
};

const thermal: Check = {
  id: "thermal",
  title: "Thermal status",
  ask: () => ({ thermal: "dumpsys thermalservice" }),
  judge(said) {
    const { status } = parseThermal(said("thermal"));
    if (status === null)
      return unknown("Android before 10 and some phones do not tell whether they slow down for heat");
    if (status === "none") return ok("Not slowed down");
    const shutting = status === "critical" || status === "emergency" || status === "shutdown";
    return {
      state: shutting ? "failed" : "warning",
      detail: `${status}: the phone slows down because it is hot${shutting ? "" : "; a run waits until it does not"}`,
      remedy: "Let it cool: out of its case and the sun, on a slow charger.",
      action: null,
    };
  },
};

const lowPower: Check = {
  id: "low-power",
  title: "Battery saver off",
  ask: () => ({ ...askPower, lowPower: "settings get global low_power" }),
  judge(said) {
    const on = parseLowPower(said("lowPower")) ?? parsePower(said("power")).lowPower;
    if (on === null) return unknown("The phone does not tell whether its battery saver is on");
    if (!on) return ok("Off");
    return {
      state: "failed",
      detail: "On: the phone keeps its cores slow",
      remedy: "Switch battery saver off.",
      action: "low-power-off",
    };
  },
};

const otherBenchmarks: Check = {
  id: "other-benchmarks",
  title: "No other benchmark",
  ask: () => ({ processes: processesCommand }),
  judge(said) {
    const running = parseBenchmarks(said("processes"));
    if (running === null) return unknown("The phone does not list its processes");
    if (running.length === 0) return ok("None is running");
    const ours = running.filter((one) => one.ours);
    const named = (ours.length > 0 ? ours : running).slice(0, 3);
    const detail = named.map(({ pid, command }) => `${command} (process ${pid})`).join("; ");
    return ours.length > 0
      ? {
          state: "failed",
          detail: `One of Latency Lab is still running: ${detail}`,
          remedy: "Stop it, unless another computer is measuring on this phone.",
          action: "stop-benchmarks",
        }
      : { state: "warning", detail, remedy: "Close it on the phone.", action: null };
  },
};

const fixedPerformance: Check = {
  id: "fixed-performance",
  title: "Fixed performance",
  ask: () => ({
    sdk: "getprop ro.build.version.sdk",
    fixed: "cmd power help | grep set-fixed-performance-mode-enabled",
  }),
  judge(said, options) {
    if (options.fixedPerformance) return ok("Set; it is reset when the run ends");
    const sdk = parseNumber(said("sdk"), 1, 10_000);
    if (sdk !== null && sdk < 30)
      return unknown("Android before 11 has no such mode; its clocks are sampled instead");
    if (!said("fixed").includes("set-fixed-performance-mode-enabled"))
      return unknown("The phone does not offer it; its clocks are sampled instead");
    return {
      state: "ok",
      detail: "Available: clocks the phone can hold for long, set for the run and reset after it",
      remedy: null,
      action: "fixed-performance",
    };
  },
};

const load: Check = {
  id: "load",
  title: "Nothing else to do",
  ask: () => ({
    stat: 'read -r v </proc/stat; echo "$v"; sleep 1; read -r v </proc/stat; echo "$v"',
    load: "cat /proc/loadavg",
    online: "cat /sys/devices/system/cpu/online",
  }),
  judge(said) {
    const [before = "", after = ""] = said("stat").split("\n");
    const average = parseLoad(said("load"));
    const cores = parseCpus(said("online"))?.length ?? null;
    const share =
      compareCpuTimes(parseCpuTimes(before), parseCpuTimes(after)) ??
      (average === null || cores === null ? null : Math.min(1, average / cores));
    if (share === null) return unknown("The phone does not tell how busy it is");
    const detail = `${Math.round(share * 100)} % of its cores' time goes elsewhere`;
    if (share <= quietShare) return ok(detail);
    return {
      state: "warning",
      detail,
      remedy: "Close its apps, switch to airplane mode, and wait for updates and backups to end.",
      action: null,
    };
  },
};

/** All checks that ask the phone, in the order in which they are shown. The last one takes a second and wants quiet. */
export const preflightChecks: readonly Check[] = [
  coreMask,
  space,
  screen,
  stayAwake,
  battery,
  temperature,
  thermal,
  lowPower,
  otherBenchmarks,
  fixedPerformance,
  load,
];
