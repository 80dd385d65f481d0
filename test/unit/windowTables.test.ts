import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CellSummary, Job, RunRequest, RunSummary } from "../../src-main/lab/contract.ts";
import { arrangeCells, countStates, tellExtent } from "../../src-renderer/cells.ts";
import { darkTheme, lightTheme } from "../../src-renderer/charts/theme.ts";
import { announceJob, locateResult, tellProgress } from "../../src-renderer/jobs.ts";
import { filterRows, indexRow, showCell, sortRows, writeCsv } from "../../src-renderer/parts/tableRows.ts";
import type { Column } from "../../src-renderer/parts/tableRows.ts";
import { readSizes, suggestSizes } from "../../src-renderer/trainSizes.ts";

interface Net {
  name: string;
  ms: number | null;
}

const columns: Column<Net>[] = [
  { key: "name", title: "Name", value: (net) => net.name },
  { key: "ms", title: "Latency", unit: "ms", numeric: true, value: (net) => net.ms },
];
const nets: Net[] = [
  { name: "net-10", ms: 3 },
  { name: "Net-2", ms: null },
  { name: "=cmd()", ms: 0.5 },
];

describe("table rows", () => {
  it("sort by number and by natural order of words, missing ones last either way", () => {
    expect(sortRows(nets, columns[1]!, false).map((net) => net.ms)).toEqual([0.5, 3, null]);
    expect(sortRows(nets, columns[1]!, true).map((net) => net.ms)).toEqual([3, 0.5, null]);
    expect(sortRows(nets.slice(0, 2), columns[0]!, false).map((net) => net.name)).toEqual([
      "Net-2",
      "net-10",
    ]);
  });

  it("are found by every word, whatever its case, and never by their numbers", () => {
    const texts = nets.map((net) => indexRow(columns, net));
    expect(filterRows(texts, "NET")).toEqual([0, 1]);
    expect(filterRows(texts, "10 net")).toEqual([0]);
    expect(filterRows(texts, "0.5")).toEqual([]);
    expect(filterRows(texts, "  ")).toEqual([0, 1, 2]);
  });

  it("read without digits nobody needs", () => {
    expect(showCell(columns[1]!, { name: "", ms: 12.34567 })).toBe("12.3");
    expect(showCell(columns[1]!, { name: "", ms: 1234567 })).toBe("1,234,567");
    expect(showCell(columns[1]!, { name: "", ms: null })).toBe("–");
  });

  it("are written as CSV with units, bare numbers and nothing a spreadsheet would run", () => {
    expect(writeCsv(columns, nets)).toBe('Name,Latency (ms)\nnet-10,3\nNet-2,\n"\'=cmd()",0.5\n');
  });
});

function cell(
  id: number,
  model: string,
  scenario: string,
  repetition: number,
  state: CellSummary["state"],
): CellSummary {
  return {
    id,
    model,
    scenario,
    repetition,
    state,
    attempts: 1,
    latencyMs: null,
    spreadMs: null,
    kept: 0,
    total: 0,
    error: null,
  };
}

describe("a run's cells", () => {
  it("are arranged as model × scenario, repetitions in order", () => {
    const cells = [
      cell(1, "b", "s1", 1, "done"),
      cell(2, "a", "s2", 0, "failed"),
      cell(3, "b", "s1", 0, "empty"),
      cell(4, "b", "s2", 0, "noisy"),
    ];
    const rows = arrangeCells(cells);
    expect(rows.map((row) => row.model)).toEqual(["b", "a"]);
    expect(rows[0]!.cells.get("s1")?.map((entry) => entry.id)).toEqual([3, 1]);
    expect(countStates(cells)).toEqual({ empty: 1, running: 0, done: 1, noisy: 1, failed: 1 });
  });

  it("are counted and timed before a run starts, by earlier runs when there are any", () => {
    const request: RunRequest = {
      device: "host",
      coreSets: ["1core", "2core"],
      precision: "float32",
      runtime: "tflite",
      models: ["a", "b", "c"],
      repetitions: 2,
      thoroughness: "quick",
    };
    const earlier = {
      device: "host",
      thoroughness: "quick",
      cells: 10,
      createdAt: "2026-01-01T00:00:00Z",
      finishedAt: "2026-01-01T00:10:00Z",
    } as RunSummary;
    expect(tellExtent([request], [])).toBe("12 cells, about 18s on a quiet device");
    expect(tellExtent([request], [earlier])).toBe("12 cells, about 12m as earlier runs took");
    expect(tellExtent([{ ...request, thoroughness: "standard" }], [earlier])).toContain("on a quiet device");
    expect(tellExtent([{ ...request, models: [] }], [])).toBe("Choose models and what to measure them on");
    expect(tellExtent([], [])).toBe("Choose models and what to measure them on");
    // Another device's runs tell nothing of this one; devices measure at once, so the longest counts.
    const phone = { ...request, device: "8ABC", coreSets: ["1large"] };
    expect(tellExtent([phone], [earlier])).toBe("6 cells, about 9s on a quiet device");
    expect(tellExtent([phone, request], [earlier])).toBe(
      "18 cells on 2 devices at once, about 12m as earlier runs took",
    );
  });
});

describe("jobs", () => {
  const job: Job = {
    id: 4,
    kind: "profile",
    title: "Profile 3 models",
    startedAt: "",
    progress: { state: "running", done: 34, total: 96, etaMs: 720_000, note: "" },
    run: 12,
  };

  it("tell how far they are, what became of them and where that is to be seen", () => {
    expect(tellProgress(job)).toBe("34 of 96, about 12m left");
    expect(locateResult(job)).toBe("#/runs/12");
    const failed: Job = {
      ...job,
      progress: {
        state: "failed",
        error: { code: "disk-full", message: "The disk is full", hint: "Free some" },
      },
    };
    expect(tellProgress(failed)).toBe("The disk is full");
    expect(announceJob(failed)).toBe("Profile 3 models failed: The disk is full");
    expect(locateResult({ ...job, kind: "fit", run: null })).toBe("#/predictors");
  });
});

describe("training sizes", () => {
  it("are suggested so that a curve comes of them and networks are left to test on", () => {
    expect(suggestSizes(100)).toEqual([20, 40, 80]);
    expect(suggestSizes(18)).toEqual([6, 7, 14]);
    expect(suggestSizes(6)).toEqual([]);
  });

  it("are read from what is typed", () => {
    expect(readSizes("10, 20 30,")).toEqual([10, 20, 30]);
    expect(readSizes("")).toEqual([]);
    expect(readSizes("10, many")).toBeNull();
    expect(readSizes("0")).toBeNull();
  });
});

describe("themes", () => {
  it("give charts and screens the same blue and the same orange", () => {
    const css = readFileSync(new URL("../../src-renderer/theme.css", import.meta.url), "utf8");
    const [light, dark] = css.split("prefers-color-scheme: dark");
    for (const [part, theme] of [
      [light, lightTheme],
      [dark, darkTheme],
    ] as const)
      for (const name of ["measured", "predicted", "text", "muted", "surface"] as const)
        expect(part, `${name} of theme.css`).toContain(`--${name}: ${theme[name]};`);
  });
});
