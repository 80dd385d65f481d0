import { LabError } from "./errors.ts";

/** No adb program was found on this computer. */
export function adbMissing(problem: string): LabError {
  return new LabError(
    "adb-missing",
    problem,
    "Install Android's platform-tools (package adb on Debian and Ubuntu, android-platform-tools with Homebrew) or set its path with `latlab settings --adb PATH`.",
  );
}

export function adbUnreachable(address: string, reason: string): LabError {
  return new LabError(
    "adb-unreachable",
    `The adb server at ${address} does not answer: ${reason}`,
    "Start it with `adb start-server` there, and for another computer check that its port is open.",
  );
}

export function pairingFailed(address: string, reason: string): LabError {
  return new LabError(
    "pairing-failed",
    `${address} could not be reached over Wi-Fi: ${reason}`,
    "On the phone open Developer options, Wireless debugging; pairing has an address and code of its own there.",
  );
}

/** The phone is listed but cannot be used; `remedy` is the remedy of its state. */
export function phoneUnavailable(id: string, problem: string, remedy: string): LabError {
  return new LabError("phone-unavailable", `${id} cannot be used: ${problem}`, remedy);
}

/** The connection to the phone ended while something was under way. */
export function phoneLost(id: string, what: string): LabError {
  return new LabError(
    "phone-lost",
    `${id} was lost while ${what}`,
    "Plug it in again; a run goes on by itself when it is back.",
  );
}

/** The phone answered, but refused. */
export function phoneRefused(id: string, what: string, answer: string): LabError {
  return new LabError(
    "phone-refused",
    `${id} refused to ${what}: ${answer}`,
    "Run the checks of the phone with `latlab preflight --device` and do what they say.",
  );
}

export function preflightFailed(id: string, checks: readonly string[]): LabError {
  return new LabError(
    "preflight-failed",
    `${id} is not ready to be measured: ${checks.join("; ")}`,
    `See what to do with \`latlab preflight --device ${id}\`.`,
  );
}

/** There is no benchmark program for the phone's ABI. */
export function binaryMissing(id: string, abi: string): LabError {
  return new LabError(
    "binary-missing",
    `The lab has no benchmark program for ${id} (${abi})`,
    "Add yours with `latlab binaries --add FILE`, or download the published one with `latlab binaries --download ABI`.",
  );
}

export function binaryUnfit(name: string, reason: string): LabError {
  return new LabError(
    "binary-unfit",
    `${name} cannot be used as benchmark program: ${reason}`,
    "Take TFLite's benchmark_model built for Android on the phone's ABI (`latlab devices` shows it).",
  );
}

export function downloadFailed(url: string, reason: string): LabError {
  return new LabError(
    "download-failed",
    `${url} could not be downloaded: ${reason}`,
    "Try again later, or download it yourself and add the file.",
  );
}
