import { describe, expect, it } from "vitest";
import {
  quoteArgument,
  tellCommand,
  tellEvaluate,
  tellFit,
  tellProfile,
} from "../../src-renderer/commandLine.ts";
import { commands, matchKeys, nameKey, searchCommands, worksInFields } from "../../src-renderer/commands.ts";
import type { CommandActions, KeyPress } from "../../src-renderer/commands.ts";
import { formatRoute, nouns, parseRoute, readId } from "../../src-renderer/route.ts";

function press(key: string, modifiers: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...modifiers };
}

function recordActions(): { actions: CommandActions; calls: string[] } {
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const actions: CommandActions = {
    go: (hash) => void calls.push(hash),
    openPalette: note("palette"),
    openHelp: note("help"),
    openFile: note("file"),
    openSampling: note("sampling"),
    openPairing: note("pairing"),
    copyCommand: note("copy"),
    focusFilter: note("filter"),
    toggleJobs: note("jobs"),
  };
  return { actions, calls };
}

describe("commands", () => {
  it("have ids, titles and keys of their own", () => {
    const all = commands.flatMap((command) => command.keys);
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(commands.map((command) => command.id)).size).toBe(commands.length);
    expect(commands.every((command) => command.title.length > 0 && command.keys.length > 0)).toBe(true);
  });

  it("never hide one behind the first key of another", () => {
    const single = commands.flatMap((command) => command.keys.filter((keys) => !keys.includes(" ")));
    const starts = commands.flatMap((command) =>
      command.keys.filter((keys) => keys.includes(" ")).map((keys) => keys.split(" ")[0]!),
    );
    expect(starts.filter((start) => single.includes(start))).toEqual([]);
  });

  it("each do something, and every noun can be gone to", () => {
    const gone: string[] = [];
    for (const command of commands) {
      const { actions, calls } = recordActions();
      command.run(actions);
      expect(calls, command.id).toHaveLength(1);
      gone.push(calls[0]!);
    }
    for (const noun of nouns) expect(gone).toContain(`#/${noun}`);
  });
});

describe("matchKeys", () => {
  it("takes chords with Ctrl or ⌘, whatever the shift state of the letter", () => {
    expect(matchKeys(press("k", { ctrlKey: true }), "").command?.id).toBe("palette");
    expect(matchKeys(press("k", { metaKey: true }), "").command?.id).toBe("palette");
    expect(matchKeys(press("K", { ctrlKey: true }), "").command?.id).toBe("palette");
    expect(matchKeys(press("K", { ctrlKey: true, shiftKey: true }), "").command).toBeNull();
    expect(matchKeys(press("c", { ctrlKey: true }), "").command).toBeNull();
  });

  it("takes keys one after the other, and starts anew after a wrong one", () => {
    const first = matchKeys(press("g"), "");
    expect(first).toEqual({ command: null, pending: "g" });
    expect(matchKeys(press("m"), first.pending).command?.id).toBe("go-models");
    expect(matchKeys(press("x"), "g")).toEqual({ command: null, pending: "" });
    expect(matchKeys(press("?", { shiftKey: true }), "g").command?.id).toBe("help");
  });

  it("waits while only a modifier is down, and leaves Alt to the system", () => {
    expect(matchKeys(press("Shift", { shiftKey: true }), "g").pending).toBe("g");
    expect(nameKey(press("k", { ctrlKey: true, altKey: true }))).toBe("");
  });

  it("lets text be typed", () => {
    const slash = press("/");
    expect(worksInFields(matchKeys(slash, "").command!, slash)).toBe(false);
    const palette = press("k", { ctrlKey: true });
    expect(worksInFields(matchKeys(palette, "").command!, palette)).toBe(true);
  });
});

describe("searchCommands", () => {
  it("finds by title first, then by other words", () => {
    expect(searchCommands("fit")[0]?.id).toBe("fit");
    expect(searchCommands("profile").map((command) => command.id)).toContain("new-run");
    expect(searchCommands("go to run").map((command) => command.id)).toEqual(["go-runs"]);
    expect(searchCommands("")).toHaveLength(commands.length);
    expect(searchCommands("zebra")).toEqual([]);
  });
});

describe("routes", () => {
  it.each([
    ["#/runs/12", { noun: "runs", path: ["12"], query: {} }],
    ["#/models/a%2Fb%20c", { noun: "models", path: ["a/b c"], query: {} }],
    [
      "#/predict?models=a,b&scenario=host%2F1core",
      { noun: "predict", path: [], query: { models: "a,b", scenario: "host/1core" } },
    ],
    ["#/nowhere/1", { noun: "devices", path: [], query: {} }],
    ["", { noun: "devices", path: [], query: {} }],
    ["#/models/%E0%A4%A", { noun: "models", path: ["%E0%A4%A"], query: {} }],
  ])("reads %s", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  it("reads back what it writes", () => {
    const hash = formatRoute("models", ["strange/näme?#%"], { q: "a&b=c", empty: "" });
    expect(parseRoute(hash)).toEqual({ noun: "models", path: ["strange/näme?#%"], query: { q: "a&b=c" } });
  });

  it("takes only positive whole numbers as ids", () => {
    expect(["12", "0", "-1", "1e3", "x", undefined].map(readId)).toEqual([12, null, null, null, null, null]);
  });
});

describe("command lines", () => {
  it("quotes what a shell would take apart", () => {
    expect(quoteArgument("host/1core/float32/tflite")).toBe("host/1core/float32/tflite");
    expect(quoteArgument("it's $HOME")).toBe(`'it'\\''s $HOME'`);
    expect(quoteArgument("")).toBe("''");
    expect(tellCommand(["inspect", "my net"], "/a b")).toBe("npx latlab inspect 'my net' --lab '/a b'");
  });

  it("tells what differs from the defaults and nothing else", () => {
    const request = {
      device: "host",
      coreSets: ["1core", "2core"],
      precision: "float32",
      runtime: "tflite",
      models: ["a", "b"],
    } as const;
    const plain = tellProfile({ ...request, coreSets: [...request.coreSets], models: [...request.models] });
    expect(plain.join(" ")).toBe(
      "profile --device host --cores 1core,2core --precision float32 --runtime tflite a b",
    );
    const full = tellProfile({
      ...request,
      coreSets: ["1core"],
      models: ["a"],
      repetitions: 3,
      thoroughness: "quick",
    });
    expect(full.join(" ")).toContain("--repetitions 3 --thoroughness quick a");
    expect(tellFit({ scenario: "s", seed: 4 })).toEqual([
      "fit",
      "--scenario",
      "s",
      "--learner",
      "auto",
      "--seed",
      "4",
    ]);
    expect(
      tellEvaluate({ scenario: "s", trainSizes: [10, 30], splits: 2, learners: ["lasso"] }).join(" "),
    ).toBe("evaluate --scenario s --protocol random --train-sizes 10,30 --splits 2 --learner lasso");
  });
});
