/** The one list that keys, palette, help and menu are made from. */
import { formatRoute } from "./route.ts";

/** What a command may do to the window. */
export interface CommandActions {
  go(hash: string): void;
  openPalette(): void;
  openHelp(): void;
  openFile(): void;
  openSampling(): void;
  openPairing(): void;
  copyCommand(): void;
  focusFilter(): void;
  toggleJobs(): void;
}

export interface Command {
  id: string;
  title: string;
  group: "Go to" | "Do" | "Window";
  /** Chords such as `Ctrl+K`, or keys pressed one after the other such as `g m`; Ctrl is ⌘ on a Mac. */
  keys: string[];
  /** Other words someone may look for. */
  words: string;
  run(actions: CommandActions): void;
}

export const commands: readonly Command[] = [
  {
    id: "go-devices",
    title: "Devices",
    group: "Go to",
    keys: ["g d"],
    words: "phone computer cores speed adb android benchmark binary",
    run: (actions) => actions.go(formatRoute("devices")),
  },
  {
    id: "go-models",
    title: "Models",
    group: "Go to",
    keys: ["g m"],
    words: "networks tflite library",
    run: (actions) => actions.go(formatRoute("models")),
  },
  {
    id: "go-runs",
    title: "Runs",
    group: "Go to",
    keys: ["g r"],
    words: "measurements profiling campaign",
    run: (actions) => actions.go(formatRoute("runs")),
  },
  {
    id: "go-predictors",
    title: "Predictors",
    group: "Go to",
    keys: ["g p"],
    words: "accuracy scenarios fit",
    run: (actions) => actions.go(formatRoute("predictors")),
  },
  {
    id: "go-predict",
    title: "Predict",
    group: "Go to",
    keys: ["g l"],
    words: "latency waterfall validate",
    run: (actions) => actions.go(formatRoute("predict")),
  },
  {
    id: "sample",
    title: "Sample networks…",
    group: "Do",
    keys: ["n s"],
    words: "search space random seed generate",
    run: (actions) => actions.openSampling(),
  },
  {
    id: "open-file",
    title: "Open model files…",
    group: "Do",
    keys: ["Ctrl+O"],
    words: "add model import drop",
    run: (actions) => actions.openFile(),
  },
  {
    id: "new-run",
    title: "New run…",
    group: "Do",
    keys: ["n r"],
    words: "profile measure",
    run: (actions) => actions.go(formatRoute("runs", ["new"])),
  },
  {
    id: "pair",
    title: "Pair a phone over Wi-Fi…",
    group: "Do",
    keys: ["n w"],
    words: "adb wireless debugging connect android",
    run: (actions) => actions.openPairing(),
  },
  {
    id: "fit",
    title: "Fit a predictor…",
    group: "Do",
    keys: ["n p"],
    words: "train learner",
    run: (actions) => actions.go(formatRoute("predictors", ["fit"])),
  },
  {
    id: "copy-command",
    title: "Copy command of this screen",
    group: "Do",
    keys: ["c"],
    words: "cli terminal latlab",
    run: (actions) => actions.copyCommand(),
  },
  {
    id: "filter",
    title: "Filter the table",
    group: "Window",
    keys: ["/"],
    words: "find search",
    run: (actions) => actions.focusFilter(),
  },
  {
    id: "palette",
    title: "Command palette",
    group: "Window",
    keys: ["Ctrl+K"],
    words: "find commands",
    run: (actions) => actions.openPalette(),
  },
  {
    id: "jobs",
    title: "Show all jobs",
    group: "Window",
    keys: ["j"],
    words: "progress cancel",
    run: (actions) => actions.toggleJobs(),
  },
  {
    id: "help",
    title: "Keys and help",
    group: "Window",
    keys: ["?", "F1"],
    words: "shortcuts",
    run: (actions) => actions.openHelp(),
  },
];

/** The part of a keyboard event that tells which key was meant. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** The name of a key press as `Command.keys` writes it; empty for a modifier alone and for Alt, which is the system's. */
export function nameKey(press: KeyPress): string {
  if (["Control", "Shift", "Alt", "Meta"].includes(press.key) || press.altKey) return "";
  const key = press.key.length === 1 ? press.key.toUpperCase() : press.key;
  if (press.ctrlKey || press.metaKey) return `Ctrl+${press.shiftKey ? "Shift+" : ""}${key}`;
  return press.key;
}

/** What a key press after the earlier keys `pending` means: a command, the start of one, or nothing. */
export function matchKeys(press: KeyPress, pending: string): { command: Command | null; pending: string } {
  const key = nameKey(press);
  if (key === "") return { command: null, pending };
  const candidates = pending === "" ? [key] : [`${pending} ${key}`, key];
  for (const candidate of candidates) {
    const command = commands.find((entry) => entry.keys.includes(candidate));
    if (command) return { command, pending: "" };
    if (commands.some((entry) => entry.keys.some((keys) => keys.startsWith(`${candidate} `))))
      return { command: null, pending: candidate };
  }
  return { command: null, pending: "" };
}

/** Whether a key may be taken while the user types in a field: chords may, plain keys are text. */
export function worksInFields(command: Command, press: KeyPress): boolean {
  return (press.ctrlKey || press.metaKey || press.key.startsWith("F")) && command.keys.length > 0;
}

/** The commands whose title, group and other words hold every word of `text`, those with it in the title first. */
export function searchCommands(text: string): Command[] {
  const wanted = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const rank = (command: Command) =>
    wanted.every((word) => command.title.toLowerCase().includes(word)) ? 0 : 1;
  return commands
    .filter((command) => {
      const hay = `${command.title} ${command.group} ${command.words}`.toLowerCase();
      return wanted.every((word) => hay.includes(word));
    })
    .sort((a, b) => rank(a) - rank(b));
}

/** Keys as a reader sees them on this keyboard. */
export function showKeys(keys: string, mac: boolean): string {
  return mac ? keys.replace("Ctrl+", "⌘").replace("Shift+", "⇧") : keys.replace(" ", " then ");
}
