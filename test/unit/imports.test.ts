/** Holds the house: which room may know which. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Each room may import itself and those before it. */
const rooms = [
  "device",
  "model",
  "kernels",
  "published",
  "store",
  "profile",
  "predict",
  "evaluate",
  "report",
  "lab",
  "doors",
];

/** What every room may know of the lab: types, errors and how numbers read. */
const sharedLab = [
  "src-main/lab/contract.ts",
  "src-main/lab/errors.ts",
  "src-main/lab/phoneErrors.ts",
  "src-main/lab/format.ts",
];
const rendererMayKnow = [
  ...sharedLab,
  "src-main/lab/wire.ts",
  "src-main/model/mean.ts",
  "src-main/model/median.ts",
];

interface Import {
  from: string;
  /** Path from the project's root, or a package's name. */
  to: string;
  typeOnly: boolean;
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

function listImports(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const pattern =
    /(?:^|[;\s])(?:import|export)\s+(type\s+)?(?:[\w*{},\s$]+?\s+from\s+)?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => {
    const target = match[2] ?? match[3]!;
    const to = target.startsWith(".")
      ? relative(root, resolve(root, dirname(file), target)).replaceAll("\\", "/")
      : target;
    return { from: file, to, typeOnly: match[1] !== undefined };
  });
}

function roomOf(file: string): string {
  const room = /^src-main\/([^/]+)\//.exec(file)?.[1];
  return room === undefined || room === "cli" ? "doors" : room;
}

function describeImport({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

const mainFiles = listFiles("src-main");
const rendererFiles = listFiles("src-renderer");
const mainImports = mainFiles.flatMap(listImports);
const rendererImports = rendererFiles.flatMap(listImports);
const allImports = [...mainImports, ...rendererImports];

describe("the house", () => {
  it("is seen by this test", () => {
    expect(mainFiles.length).toBeGreaterThan(50);
    const seen = allImports.map(describeImport);
    expect(seen).toContain("src-main/cli.ts imports src-main/cli/program.ts");
    expect(seen).toContain("src-main/lab/predictorCalls.ts imports src-main/lab/predicting.ts");
    expect(seen).toContain("src-main/main.ts imports electron");
    expect(mainImports.find(({ to }) => to === "src-main/lab/contract.ts")?.typeOnly).toBe(true);
  });

  it("has no rooms but those of the list", () => {
    expect([...new Set(mainFiles.map(roomOf))].filter((room) => !rooms.includes(room))).toEqual([]);
  });

  it("imports point at rooms before one's own", () => {
    const wrong = mainImports.filter(({ from, to }) => {
      if (!to.startsWith("src-main/") || sharedLab.includes(to)) return false;
      return rooms.indexOf(roomOf(to)) > rooms.indexOf(roomOf(from));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("what all rooms share knows no room itself", () => {
    const wrong = mainImports.filter(
      ({ from, to }) => sharedLab.includes(from) && to.startsWith("src-main/") && !sharedLab.includes(to),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("only doors open the lab", () => {
    const wrong = mainImports.filter(
      ({ from, to }) => to === "src-main/lab/lab.ts" && roomOf(from) !== "doors",
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("doors reach the rooms through the lab", () => {
    const wrong = mainImports.filter(
      ({ from, to }) =>
        roomOf(from) === "doors" && to.startsWith("src-main/") && !["doors", "lab"].includes(roomOf(to)),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("the wire runs in a browser: it and what it imports need nothing of Node", () => {
    const pending = [...rendererMayKnow];
    const seen = new Set<string>();
    const wrong: string[] = [];
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      for (const one of listImports(file)) {
        if (one.to.startsWith("src-main/")) pending.push(one.to);
        else if (one.to.startsWith("node:")) wrong.push(describeImport(one));
      }
    }
    expect(wrong).toEqual([]);
  });

  it("the renderer knows the contract's types, the wire, formats, errors, mean and median, and nothing else", () => {
    const wrong = rendererImports.filter(
      ({ to, typeOnly }) =>
        to.startsWith("src-main/") &&
        (!rendererMayKnow.includes(to) || (to === "src-main/lab/contract.ts" && !typeOnly)),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("Node's side takes from the renderer its pure charts for the report and how it is built", () => {
    const wrong = mainImports.filter(({ from, to }) => {
      if (!to.startsWith("src-renderer/")) return false;
      const chart = /^src-renderer\/charts\/[^/]+\.ts$/.test(to);
      return (
        !(chart && roomOf(from) === "report") && !(to === "src-renderer/build.ts" && roomOf(from) === "doors")
      );
    });
    expect(wrong.map(describeImport)).toEqual([]);
    const chartImports = rendererImports.filter(({ from }) => from.startsWith("src-renderer/charts/"));
    const impure = chartImports.filter(
      ({ to }) =>
        !to.startsWith("src-renderer/charts/") &&
        !rendererMayKnow.includes(to) &&
        !["chart.js", "@dagrejs/dagre"].includes(to),
    );
    expect(impure.map(describeImport)).toEqual([]);
  });

  it("only main.ts and preload.ts know Electron", () => {
    const users = allImports.filter(({ to }) => to === "electron" || to.startsWith("electron/"));
    expect([...new Set(users.map(({ from }) => from))].sort()).toEqual([
      "src-main/main.ts",
      "src-main/preload.ts",
    ]);
  });

  it("has no barrels, no utils and no default exports", () => {
    const files = [...mainFiles, ...rendererFiles];
    expect(
      files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|index)(\.ts)?(\/|$)/i.test(file)),
    ).toEqual([]);
    const source = files.filter((file) => file.endsWith(".ts"));
    const wrong = source.filter((file) =>
      /^export (default|\* from)/m.test(readFileSync(join(root, file), "utf8")),
    );
    expect(wrong).toEqual([]);
  });

  it("keeps files small enough to be read in one go", () => {
    const long = [...mainFiles, ...rendererFiles].filter((file) => {
      const lines = readFileSync(join(root, file), "utf8").split("\n").length;
      return lines > 401 && file !== "src-main/lab/contract.ts";
    });
    expect(long).toEqual([]);
  });
});
