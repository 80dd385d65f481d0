import type { ListedPhone } from "./phoneState.ts";

/** One line of an adb server's list. */
export interface ListLine {
  serial: string;
  /** adb's own word for the state, with what it adds in brackets. */
  word: string;
  /** Null where adb does not tell, as before authorization. */
  model: string | null;
  /** Null on servers too old to tell (before 1.0.40). */
  transportId: string | null;
}

/** What a state of adb's means. */
export interface StateMeaning {
  state: ListedPhone["state"];
  /** What is wrong, or null when ready. */
  problem: string | null;
  /** What to do, or null when ready. */
  remedy: string | null;
  /** It passes by itself within a moment. */
  passing: boolean;
}

const stateWords = [
  "device",
  "unauthorized",
  "offline",
  "recovery",
  "rescue",
  "sideload",
  "bootloader",
  "authorizing",
  "connecting",
  "detached",
  "host",
  "unknown",
];
// adb pads the serial to this many bytes before it writes the state.
const serialColumn = 22;
const longestText = 256;
const longestLine = 4096;
const mostPhones = 1000;

const noPermissions = String.raw`no permissions(?: \([^)]*\))?(?:; see \[[^\]]*\])?`;
const startsWithState = new RegExp(`^(${noPermissions}|${stateWords.join("|")})(?= |$)`);

/**
 * Reads the answer to `host:devices-l` or `host:track-devices-l` (also the short forms, with a tab after the serial). Lines that
 * are not a phone are passed over; long texts are cut, for a phone names itself.
 */
export function readDeviceList(text: string): ListLine[] {
  const lines: ListLine[] = [];
  let start = 0;
  while (start < text.length && lines.length < mostPhones) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const line = readLine(text.slice(start, end));
    if (line) lines.push(line);
    start = end + 1;
  }
  return lines;
}

function readLine(raw: string): ListLine | null {
  if (raw.length > longestLine) return null;
  const line = raw.trimEnd();
  const split = splitSerial(line);
  if (!split) return null;
  const { serial, rest } = split;
  const known = startsWithState.exec(rest)?.[1];
  const word = known ?? rest.split(" ", 1)[0] ?? "";
  const details = rest.slice(word.length);
  // adb writes the transport last, so that nothing a phone says of itself can pass for it.
  const transportId = / transport_id:(\d{1,18})$/.exec(details)?.[1] ?? null;
  const model = / model:(\S*)/.exec(details)?.[1];
  return {
    serial: cut(serial),
    word: cut(word),
    model: model ? cut(model) : null,
    transportId,
  };
}

function splitSerial(line: string): { serial: string; rest: string } | null {
  const tab = line.indexOf("\t");
  if (tab > 0) return { serial: line.slice(0, tab), rest: line.slice(tab + 1).trim() };
  // A serial may hold spaces; when it fits its column, the column tells where it ends.
  const padded = line.slice(0, serialColumn).trimEnd();
  const afterColumn = line.slice(serialColumn + 1);
  if (padded && line[serialColumn] === " " && startsWithState.test(afterColumn))
    return { serial: padded.trimStart(), rest: afterColumn };
  const match = /^\s*(\S+)\s+(\S.*)$/.exec(line);
  return match?.[1] && match[2] ? { serial: match[1], rest: match[2] } : null;
}

function cut(text: string): string {
  return text.length > longestText ? text.slice(0, longestText) : text;
}

/** What adb's word for a phone's state means for its user. */
export function explainState(word: string): StateMeaning {
  if (word.startsWith("no permissions"))
    return wrong(
      "no-permissions",
      "this user may not open its USB port",
      "On Linux install the udev rules (package android-sdk-platform-tools-common), add yourself to the group plugdev, log in anew and plug the phone in again.",
    );
  switch (word) {
    case "device":
      return { state: "ready", problem: null, remedy: null, passing: false };
    case "unauthorized":
      return wrong(
        "unauthorized",
        "it does not trust this computer yet",
        'Unlock the phone and accept the dialog "Allow USB debugging"; if none comes, plug it in again.',
      );
    case "authorizing":
      return passing("unauthorized", "it is deciding whether it trusts this computer", "Wait a moment.");
    case "connecting":
      return passing("offline", "it is being connected", "Wait a moment.");
    case "offline":
      return passing(
        "offline",
        "it is plugged in but does not answer",
        "Plug it in again; if that does not help, run `adb reconnect` or switch USB debugging off and on.",
      );
    case "recovery":
    case "rescue":
      return wrong(
        "recovery",
        `it is in its ${word} system`,
        'Choose "Reboot system now" on the phone, or run `adb reboot`.',
      );
    case "sideload":
      return wrong(
        "sideload",
        "it is waiting for an update (sideload)",
        'Choose "Reboot system now" on the phone, or run `adb reboot`.',
      );
    case "bootloader":
      return wrong(
        "unavailable",
        "it is in its bootloader",
        "Start Android from the bootloader's menu, or run `fastboot reboot`.",
      );
    case "detached":
      return wrong(
        "unavailable",
        "the adb server let go of it (adb detach)",
        "Run `adb attach`, or plug it in again.",
      );
    case "host":
      return wrong(
        "unavailable",
        "it says it is a computer, not a phone",
        "Unplug it if it is not meant to be measured.",
      );
    default:
      return wrong(
        "unavailable",
        `adb calls its state ${JSON.stringify(word.slice(0, 40))}`,
        "Plug it in again, and update adb if the lab still does not know that state.",
      );
  }
}

function wrong(state: ListedPhone["state"], problem: string, remedy: string): StateMeaning {
  return { state, problem, remedy, passing: false };
}

function passing(state: ListedPhone["state"], problem: string, remedy: string): StateMeaning {
  return { state, problem, remedy, passing: true };
}
