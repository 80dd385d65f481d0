import { cleanText } from "../device/phoneText.ts";
import { LabError } from "../lab/errors.ts";
import type { Filled } from "./bench.ts";
import { parseBenchmarkOutput } from "./benchmarkOutput.ts";
import type { PassEnd } from "./phonePass.ts";

/** What went wrong with a cell on a phone, in words, and whether another try may go better. */
export interface PhoneFailure {
  error: string;
  again: Filled["again"];
}

// adbd tells a signal as 128 and its number.
const signals: Record<number, string> = {
  129: "SIGHUP",
  130: "SIGINT",
  132: "SIGILL",
  134: "SIGABRT",
  135: "SIGBUS",
  136: "SIGFPE",
  137: "SIGKILL",
  139: "SIGSEGV",
  143: "SIGTERM",
};

const longestWords = 300;

/** Why a process on the phone gave nothing, or null when it ended well. `mask` is the one that was asked for. */
export function findFailure(end: PassEnd, mask: string): PhoneFailure | null {
  if (end.lost) return describeLoss(end.lost);
  if (end.overdue) return describeOverdue(end.overdue);
  if (end.exitCode !== 0) return describeExit(end, mask);
  if (end.readBackMask !== null && end.readBackMask !== mask)
    return {
      error: `the phone ran the benchmark on the cores of mask ${end.readBackMask} where ${mask} was asked for`,
      again: "later",
    };
  return null;
}

/** The same for what kept a cell from starting; null for an error that is no matter of the phone's and must end the run. */
export function explainRejection(error: unknown): PhoneFailure | null {
  if (!(error instanceof LabError)) return null;
  switch (error.code) {
    case "phone-lost":
      return describeLoss(error);
    case "phone-unavailable":
    case "adb-unreachable":
    case "adb-missing":
      return { error: error.message, again: "back" };
    // A command that hung or a daemon that refused may do better; a phone that is full will not by itself.
    case "phone-refused":
      return { error: error.message, again: isFull(error.message) ? "no" : "later" };
    case "model-unknown":
    case "model-unreadable":
    case "scenario-unsupported":
    case "core-set-unknown":
      return { error: error.message, again: "no" };
    default:
      return null;
  }
}

/** Whether words of a phone say that there is no room. */
export function isFull(text: string): boolean {
  return /no space left|disk quota|ENOSPC|is full|has no room/i.test(text);
}

function describeLoss(lost: LabError): PhoneFailure {
  return { error: `${lost.message} (cable, restart of the phone or of adb)`, again: "back" };
}

function describeOverdue(at: "starting" | "measuring"): PhoneFailure {
  const what =
    at === "starting" ? "had not measured a single run by its deadline" : "did not end before its deadline";
  return { error: `the benchmark ${what} and was stopped`, again: "later" };
}

function describeExit(end: PassEnd, mask: string): PhoneFailure {
  const { exitCode, stderr } = end;
  const words = cleanText(stderr, longestWords);
  const started = describeStart(exitCode, words, mask);
  if (started) return started;
  if (isFull(stderr)) return { error: `the phone is full: ${words}`, again: "no" };
  const signal = exitCode === null ? undefined : signals[exitCode];
  switch (signal) {
    case "SIGKILL":
      return {
        error: "the phone ended the benchmark (SIGKILL), most likely because memory ran out",
        again: "later",
      };
    case "SIGHUP":
    case "SIGINT":
    case "SIGTERM":
      return { error: `something on the phone ended the benchmark (${signal})`, again: "later" };
    case "SIGILL":
      return {
        error: "the benchmark was ended by SIGILL: it was built for cores this phone does not have",
        again: "no",
      };
    case undefined: {
      const [first] = parseBenchmarkOutput(end.stdout, stderr).errors;
      return {
        error: first ?? (words || `the benchmark ended with exit code ${exitCode}`),
        again: "no",
      };
    }
    default:
      return { error: `the benchmark was ended by ${signal}: it crashed on this network`, again: "no" };
  }
}

// What shells, linkers and taskset say of a program that never ran.
function describeStart(exitCode: number | null, words: string, mask: string): PhoneFailure | null {
  if (/^taskset: (?!exec )/.test(words))
    return /not found|inaccessible/i.test(words)
      ? { error: "the phone has no taskset to choose cores with", again: "no" }
      : // Cores that are switched off now may be back for another try.
        { error: `the phone refused the cores of mask ${mask}: ${words}`, again: "later" };
  if (/taskset: (?:not found|inaccessible)/.test(words))
    return { error: "the phone has no taskset to choose cores with", again: "no" };
  // A linker ends with 1, as does the benchmark itself for a network it cannot open.
  const never = exitCode === 126 || exitCode === 127 || words.includes("CANNOT LINK EXECUTABLE");
  const problem = never ? explainStart(words) : null;
  if (problem === null) return null;
  // What vanished meanwhile is put there again when the phone is made ready anew.
  const vanished = exitCode === 127 && /not found|no such file/i.test(words);
  return { error: problem, again: vanished ? "back" : "no" };
}

/** What a phone's words on a program that did not start mean, or null when they are about something else. */
export function explainStart(words: string): string | null {
  if (/CANNOT LINK EXECUTABLE|library ".*" not found|error while loading shared/i.test(words))
    return `the phone cannot run the benchmark program: it lacks a library (${cleanText(words, 160)})`;
  if (/permission denied/i.test(words))
    return "permission denied: the phone does not let the benchmark program be executed";
  if (/not executable|exec format error|bad ELF|unsupported.*ELF|wrong ELF/i.test(words))
    return `not executable: the benchmark program is built for another ABI than the phone's (${cleanText(words, 160)})`;
  if (/no such file|not found|inaccessible/i.test(words))
    return "the phone cannot run the benchmark program: it or the linker it names is not there";
  return null;
}
