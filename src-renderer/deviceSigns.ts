/** How devices, servers and checks read: a sign and a word each, so that nothing is told by colour alone. */
import type {
  AdbServerState,
  AdbState,
  Device,
  DeviceState,
  PhoneDetail,
  PreflightState,
  RemedyName,
} from "../src-main/lab/contract.ts";
import { formatBytes } from "../src-main/lab/format.ts";

export interface Sign {
  sign: string;
  word: string;
  /** `good` can be measured, `wait` passes by itself, `act` needs someone, `bad` cannot be measured, `gone` is not here. */
  kind: "good" | "wait" | "act" | "bad" | "gone";
}

export const deviceSigns: Record<DeviceState, Sign> = {
  ready: { sign: "✓", word: "ready", kind: "good" },
  busy: { sign: "●", word: "measuring", kind: "good" },
  probing: { sign: "◌", word: "being asked what it is", kind: "wait" },
  unauthorized: { sign: "!", word: "not authorised", kind: "act" },
  "no-permissions": { sign: "!", word: "no permissions", kind: "act" },
  recovery: { sign: "!", word: "in recovery", kind: "act" },
  sideload: { sign: "!", word: "in sideload", kind: "act" },
  offline: { sign: "○", word: "offline", kind: "act" },
  unavailable: { sign: "✕", word: "unavailable", kind: "bad" },
  absent: { sign: "–", word: "not here", kind: "gone" },
};

export const serverSigns: Record<AdbServerState["state"], Sign> = {
  connected: { sign: "✓", word: "connected", kind: "good" },
  connecting: { sign: "◌", word: "connecting", kind: "wait" },
  unreachable: { sign: "✕", word: "unreachable", kind: "bad" },
};

export const checkSigns: Record<PreflightState, Sign> = {
  ok: { sign: "✓", word: "fine", kind: "good" },
  warning: { sign: "!", word: "warning", kind: "act" },
  failed: { sign: "✕", word: "stops a run", kind: "bad" },
  unknown: { sign: "?", word: "cannot be told", kind: "gone" },
};

/** What the button beside a check says. */
export const remedyWords: Record<RemedyName, string> = {
  "install-binary": "Put it on the phone",
  "free-space": "Remove the lab's models",
  "wake-screen": "Wake the screen",
  "stay-awake": "Keep it awake",
  "low-power-off": "Turn low power off",
  "fixed-performance": "Use fixed performance",
  "stop-benchmarks": "Stop them",
};

/** Whether anything can be started on a device now or after what it is doing. */
export function isMeasurable(device: Device): boolean {
  return device.state === "ready" || device.state === "busy";
}

/** What to teach where phones would stand: `adb` is missing, no `phone` is there, a phone has no `binary`, or nothing. */
export function findLesson(
  devices: readonly Device[],
  adb: AdbState | null,
  hasBinary: boolean,
): "adb" | "phone" | "binary" | null {
  const phones = devices.filter((device) => device.kind === "adb" && device.state !== "absent");
  // Someone who switched phones off needs no lesson about them.
  if (adb === null || adb.problem?.includes("LATENCY_LAB_ADB")) return null;
  if (phones.length === 0) return adb.path === null ? "adb" : "phone";
  const ready = phones.filter(isMeasurable);
  return ready.length > 0 && !hasBinary && ready.every((phone) => phone.phone?.binary === null)
    ? "binary"
    : null;
}

/** A phone's battery, e.g. `81 %, charging, 29.5 °C`. */
export function tellBattery(phone: PhoneDetail): string {
  const parts = [
    phone.batteryPercent === null ? "" : `${phone.batteryPercent} %`,
    phone.charging === null ? "" : phone.charging ? "charging" : "on battery",
    phone.batteryTemperatureC === null ? "" : `${phone.batteryTemperatureC.toFixed(1)} °C`,
  ].filter((part) => part !== "");
  return parts.join(", ") || "not readable";
}

/** A phone's screen and power saving, e.g. `on` or `off, low power`. */
export function tellScreen(phone: PhoneDetail): string {
  const screen = phone.screenOn === null ? "not readable" : phone.screenOn ? "on" : "off";
  return phone.lowPower ? `${screen}, low power mode` : screen;
}

/** What the GPU is and whether it can be measured. */
export function tellGpu(device: Device): string {
  if (device.gpu === null && !device.phone?.openClLibrary) return "none that can be measured";
  const name = device.gpu ?? "name not readable";
  if (device.phone === null) return name;
  return `${name}, ${device.phone.openClLibrary ? "OpenCL" : "no OpenCL library found"}`;
}

/** Free space where models go, of the phone. */
export function tellSpace(phone: PhoneDetail): string {
  return phone.freeBytes === null ? "not readable" : formatBytes(phone.freeBytes);
}
