/** Published measurements brought into a lab, from small sets made here. */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportResult } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { runCommand } from "./commandLine.ts";
import { writeCut } from "./publishedCut.ts";

const folder = mkdtempSync(join(tmpdir(), "latency-lab-import-"));
const child = fileURLToPath(new URL("./importChild.ts", import.meta.url));
const data = join(folder, "data");
const networks = ["mobilenet_wd4", "squeezenet_v1_1", "resnet10", "hardnet39ds", "regnetx002"];
let calm: string;
let places = 0;

beforeAll(async () => {
  writeCut(data, {
    networks,
    gpus: ["pixel4", "iphone7"],
    cpus: ["pixel4|1large|float", "pixel4|1large1med|quant", "s10|4small|float"],
  });
  calm = newPlace();
  await importInto(calm, data);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newPlace(): string {
  return join(folder, `lab-${places++}`);
}

/** A copy of the made set that a test may spoil. */
function copyData(): string {
  const copy = join(folder, `data-${places++}`);
  cpSync(data, copy, { recursive: true });
  return copy;
}

async function withLab<T>(place: string, act: (lab: OpenedLab) => Promise<T>): Promise<T> {
  const lab = await openLab({ folder: place });
  try {
    return await act(lab);
  } finally {
    await lab.close();
  }
}

function importInto(place: string, path: string): Promise<ImportResult> {
  return withLab(place, async (lab) => lab.jobResult(await lab.startImportPublished({ path })));
}

const moments = /_at$/;

/** All that a lab's file holds but the times of day at which it was written. */
function dumpLab(place: string): Record<string, unknown[]> {
  const database = new BetterSqlite3(join(place, "lab.sqlite"), { readonly: true });
  try {
    const tables = database
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
      )
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      tables.map((table) => {
        const rows = database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all() as Record<
          string,
          unknown
        >[];
        return [
          table,
          rows.map((row) =>
            Object.fromEntries(Object.entries(row).filter(([column]) => !moments.test(column))),
          ),
        ];
      }),
    );
  } finally {
    database.close();
  }
}

interface ChildEnd {
  signal: NodeJS.Signals | null;
  stdout: string;
}

function runChild(...words: string[]): Promise<ChildEnd> {
  const started = spawn(process.execPath, ["--no-warnings", child, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  started.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  return new Promise((resolve, reject) => {
    started.once("error", reject);
    started.once("close", (_code, signal) => resolve({ signal, stdout }));
  });
}

describe("an import", () => {
  it("makes phones, scenarios, cells and op times of the set", async () => {
    await withLab(calm, async (lab) => {
      const result = await lab.jobResult(await lab.startImportPublished({ path: join(data, "dataset") }));
      expect(result).toMatchObject({
        devices: ["iphone7", "pixel4", "s10"],
        scenarios: 5,
        networks: networks.length,
        measurements: 5 * networks.length,
        withGraph: networks.length,
        withoutGraph: [],
        unmatched: [],
        ignored: [],
      });
      const phone = (await lab.devices()).find(({ id }) => id === "pixel4");
      expect(phone).toMatchObject({ kind: "published", state: "absent", gpu: "Adreno (TM) 640" });
      expect(phone?.coreSets.map(({ name }) => name)).toEqual(["1large", "1large+1med"]);
    });
  });

  it("done twice changes nothing, not even one byte of the file's content", async () => {
    const before = dumpLab(calm);
    const again = await importInto(calm, data);
    expect(again.files.map(({ state }) => state)).toEqual(["known", "known"]);
    expect(dumpLab(calm)).toEqual(before);
  });

  it("of files under another folder is known by their content", async () => {
    const again = await importInto(calm, copyData());
    expect(again.files.every(({ state }) => state === "known")).toBe(true);
  });

  it("of a corrected file keeps what was said before as an earlier attempt", async () => {
    const place = newPlace();
    const spoilt = copyData();
    const path = join(spoilt, "dataset", "cnn", "tflite_cnn_real_e2e.csv");
    await importInto(place, spoilt);
    const lines = readFileSync(path, "utf8").split("\n");
    const fields = lines[1]!.split(",");
    fields[3] = "4321.0";
    writeFileSync(path, [lines[0], fields.join(","), ...lines.slice(2)].join("\n"));
    const result = await importInto(place, spoilt);
    expect(result.measurements).toBe(5 * networks.length);
    await withLab(place, async (lab) => {
      const run = (await lab.runs()).find(({ device }) => device === "pixel4")!;
      const cell = (await lab.run({ run: run.id })).cellList.find(
        ({ model, scenario }) => model === networks[0] && scenario === "pixel4/1large/float32/tflite",
      )!;
      expect(cell).toMatchObject({ latencyMs: 4.321, attempts: 2 });
    });
  });
});

describe("an import killed with kill -9", () => {
  it.each([
    ["report", 1],
    ["report", 8],
    ["report", 300],
    ["write", 1],
    ["write", 3],
    ["write", 7],
  ])("at %s %i leaves a whole lab, and done again it is that of an undisturbed one", async (when, count) => {
    const place = newPlace();
    const killed = await runChild(place, data, when, String(count));
    expect(killed.signal).toBe("SIGKILL");
    expect(dumpLab(place)).not.toEqual(dumpLab(calm));
    const result = await importInto(place, data);
    expect(result.measurements).toBe(5 * networks.length);
    expect(dumpLab(place)).toEqual(dumpLab(calm));
  });
});

describe("a long file", () => {
  it("that was killed in its middle goes on there", async () => {
    const path = join(folder, `data-${places++}`);
    mkdirSync(path);
    const rows = Array.from({ length: 130 }, (_, index) => `NAS${index},${index},7,${1000 + index},10`);
    writeFileSync(
      join(path, "tflite_cnn_synthetic_e2e.csv"),
      ["model,FLOPS,size,pixel4|1large|float|mean,pixel4|1large|float|std", ...rows, ""].join("\n"),
    );
    const [killed, undisturbed] = [newPlace(), newPlace()];
    // All rows and the header are checked first; then some 100 are read again, of which a batch is in the lab.
    expect((await runChild(killed, path, "report", String(131 + 100))).signal).toBe("SIGKILL");
    const [source] = dumpLab(killed)["published_source"] as { networks: number; networks_done: number }[];
    expect(source!.networks).toBe(130);
    expect(source!.networks_done).toBeGreaterThan(0);
    expect(source!.networks_done).toBeLessThan(100);
    await importInto(killed, path);
    await importInto(undisturbed, path);
    expect(dumpLab(killed)).toEqual(dumpLab(undisturbed));
  });

  it("of more than 150 MB takes no more memory than a short one needs", async () => {
    const path = join(folder, `data-${places++}`);
    mkdirSync(path);
    const bytes = writeLongFile(join(path, "tflite_cnn_synthetic_ops_cpu.csv"));
    expect(bytes).toBeGreaterThan(150e6);
    const { signal, stdout } = await runChild(newPlace(), path, "never", "0");
    expect(signal).toBeNull();
    expect((JSON.parse(stdout) as { peakBytes: number }).peakBytes).toBeLessThan(400e6);
    rmSync(path, { recursive: true });
  });

  /** Per-op rows with a long remark, in a column the lab passes over. */
  function writeLongFile(path: string): number {
    const file = openSync(path, "w");
    let bytes = writeSync(file, "model,operation,feature,remark,pixel4|1large|float\n");
    const remark = "x".repeat(4000);
    for (let network = 0; network < 1000; network++) {
      const rows = Array.from({ length: 39 }, (_, row) => {
        const features = `"{'Input_shape': '${row + 1}', 'Input_channel': ${network}, 'Kernel': '-'}"`;
        return `NAS${network},CONV_2D,${features},${remark},${row + 0.5}\n`;
      });
      bytes += writeSync(file, rows.join(""));
    }
    closeSync(file);
    return bytes;
  }
});

describe("a wrong file", () => {
  async function refuse(spoil: (text: string) => string, name = "tflite_cnn_real_ops_gpu.csv") {
    const spoilt = copyData();
    const path = join(spoilt, "dataset", "cnn", name);
    writeFileSync(path, spoil(readFileSync(path, "utf8")));
    const place = newPlace();
    await withLab(place, async () => undefined);
    const before = dumpLab(place);
    const outcome = await runCommand(["import-published", spoilt, "--lab", place]);
    expect(dumpLab(place)).toEqual(before);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
    return outcome.stderr.replaceAll(path, "FILE");
  }

  const editLine = (text: string, line: number, edit: (text: string) => string) =>
    text
      .split("\n")
      .map((old, index) => (index === line - 1 ? edit(old) : old))
      .join("\n");

  it("is refused by line and column: a time that is no number", async () => {
    const message = await refuse((text) =>
      editLine(text, 40, (line) => line.replace(/",[\d.]+,/, '",fast,')),
    );
    expect(message).toMatch(/FILE, line 40, column 4 \(pixel4\|gpu\|float\): "fast" is not a number/);
  });

  it("is refused by line and column: features cut off", async () => {
    const message = await refuse((text) => editLine(text, 7, (line) => line.replace("}", "")));
    expect(message).toMatch(/FILE, line 7, column 3 \(feature\): /);
  });

  it("is refused by line and column: a last row that breaks off", async () => {
    const message = await refuse((text) => text.slice(0, text.trimEnd().lastIndexOf(",")));
    expect(message).toMatch(
      /FILE, line \d+, column 6: the row has 6 fields, the header 7: is the file cut off\?/,
    );
  });

  it("is refused by line and column: a column nobody knows the meaning of", async () => {
    const message = await refuse(
      (text) => text.replace("pixel4|1large|float|mean", "pixel4|huge|float|mean"),
      "tflite_cnn_real_e2e.csv",
    );
    expect(message).toMatch(/FILE, line 1, column 4 \(pixel4\|huge\|float\|mean\): /);
  });

  it("spoils nothing of what is in the lab already", async () => {
    const before = dumpLab(calm);
    const spoilt = copyData();
    appendFileSync(join(spoilt, "dataset", "cnn", "tflite_cnn_real_e2e.csv"), "one,two\n");
    const outcome = await runCommand(["import-published", spoilt, "--lab", calm]);
    expect(outcome.code).toBe(1);
    expect(dumpLab(calm)).toEqual(before);
  });
});

describe("what files hold", () => {
  function writeFile(name: string, lines: readonly string[]): string {
    const place = join(folder, `data-${places++}`);
    mkdirSync(place);
    writeFileSync(join(place, name), `${lines.join("\n")}\n`);
    return place;
  }

  async function findCell(lab: OpenedLab, device: string, model: string) {
    const run = (await lab.runs()).find((candidate) => candidate.device === device)!;
    const cell = (await lab.run({ run: run.id })).cellList.find((candidate) => candidate.model === model)!;
    return lab.measurement({ cell: cell.id });
  }

  it("counts rows that share an Apple kernel once", async () => {
    const conv = (channels: number) =>
      `"{'Input_shape': '8', 'Input_channel': ${channels}, 'Output_shape': '8', 'Stride': '1', 'Kernel': '1', 'Filter': '8', 'Group': '1', 'FLOPS': '1024'}"`;
    const path = writeFile("tflite_cnn_real_ops_gpu.csv", [
      "model,operation,feature,iphone7|gpu|float,iphone7|gpu|kernel,s10|gpu|float,s10|gpu|kernel",
      `strange_net,DEPTHWISE_CONV_2D,${conv(4)},60,depthwise_conv_plus_1x1_conv_1_2,30,depthwise_convolution_1`,
      `strange_net,CONV_2D,${conv(4)},50,depthwise_conv_plus_1x1_conv_1_2,20,convolution_2d_2`,
      `strange_net,CONV_2D,${conv(8)},7,convolution_2d_3,5,convolution_2d_3`,
    ]);
    const place = newPlace();
    const result = await importInto(place, path);
    expect(result).toMatchObject({ opTimes: 2 + 3, withoutGraph: ["strange_net"] });
    await withLab(place, async (lab) => {
      const apple = await findCell(lab, "iphone7", "strange_net");
      // Readings of one kernel: it took their mean, not their sum.
      expect(apple.opTimes.map(({ op, ms }) => [op, ms])).toEqual([
        [0, expect.closeTo(0.055, 9)],
        [2, expect.closeTo(0.007, 9)],
      ]);
      const mali = await findCell(lab, "s10", "strange_net");
      expect(mali.opTimes.map(({ ms }) => ms)).toEqual(
        [0.03, 0.02, 0.005].map((ms) => expect.closeTo(ms, 9) as number),
      );
    });
  });

  it("keeps networks that the zoo does not have, by name and without a graph", async () => {
    const path = writeFile("tflite_cnn_synthetic_e2e.csv", [
      "model,FLOPS,size,pixel4|1large|float|mean,pixel4|1large|float|std",
      "NAS0,2440082076,26508192,88687.5,46",
      "NAS1,823146767,16697540,43915.2,160",
    ]);
    const place = newPlace();
    const result = await importInto(place, path);
    expect(result).toMatchObject({ networks: 2, withGraph: 0, withoutGraph: ["NAS0", "NAS1"] });
    await withLab(place, async (lab) => {
      const model = (await lab.models()).find(({ name }) => name === "NAS0");
      expect(model).toMatchObject({ kind: "published", flops: 2440082076, bytes: 26508192 });
      await expect(lab.inspect({ models: ["NAS0"] })).rejects.toThrow(/no graph of NAS0/);
    });
  });

  it("does not take a sampled network for one of the zoo that has its name", async () => {
    const path = writeFile("tflite_cnn_synthetic_e2e.csv", [
      "model,FLOPS,size,pixel4|1large|float|mean",
      "resnet10,5,6,1000",
    ]);
    const place = newPlace();
    expect(await importInto(place, path)).toMatchObject({ withGraph: 0 });
  });

  it("knows PyTorch Mobile as a runtime of its own", async () => {
    const path = writeFile("torch_cnn_real_e2e.csv", [
      "model,FLOPS,size,pixel4|1large|float|mean,pixel4|1large|float|std",
      "resnet10,1,2,1500,15",
    ]);
    const place = newPlace();
    await importInto(place, path);
    await importInto(place, data);
    await withLab(place, async (lab) => {
      const run = (await lab.runs()).find(({ device }) => device === "pixel4")!;
      const cells = (await lab.run({ run: run.id })).cellList.filter(({ model }) => model === "resnet10");
      expect(cells.map(({ scenario }) => scenario)).toContain("pixel4/1large/float32/torch");
      expect(cells.map(({ scenario }) => scenario)).toContain("pixel4/1large/float32/tflite");
      const torch = cells.find(({ scenario }) => scenario.endsWith("/torch"));
      expect(torch?.latencyMs).toBeCloseTo(1.5, 9);
      const phone = (await lab.devices()).find(({ id }) => id === "pixel4");
      expect(phone?.runtimes).toEqual(expect.arrayContaining(["tflite", "torch", "gpu-cl"]));
    });
  });

  it("takes transformers with their graphs of the zoo", async () => {
    const path = writeFile("tflite_vit_real_e2e.csv", [
      "model,FLOPS,size,pixel4|1large|float|mean,pixel4|1large|float|std",
      "deit-tiny-distilled-patch16-224,2500000000,23000000,200000,15",
      "vit-nobody-knows,1,2,3000,4",
    ]);
    const place = newPlace();
    const result = await importInto(place, path);
    expect(result).toMatchObject({ networks: 2, withGraph: 1, withoutGraph: ["vit-nobody-knows"] });
  });

  it("passes over files that are none of the data set's, by name", async () => {
    const spoilt = copyData();
    writeFileSync(join(spoilt, "dataset", "notes.csv"), "a,b\n");
    expect((await importInto(newPlace(), spoilt)).ignored).toEqual([join(spoilt, "dataset", "notes.csv")]);
  });
});

describe("the command", () => {
  it("prints one JSON document that the next time is the same but for the files' state", async () => {
    const place = newPlace();
    const first = await runCommand(["import-published", data, "--lab", place, "--json"]);
    const second = await runCommand(["import-published", data, "--lab", place, "--json"]);
    expect([first.code, second.code]).toEqual([0, 0]);
    const [before, after] = [first, second].map(({ stdout }) => JSON.parse(stdout) as ImportResult);
    expect(before!.files.map(({ name, state }) => [name, state])).toEqual([
      ["tflite_cnn_real_e2e.csv", "imported"],
      ["tflite_cnn_real_ops_gpu.csv", "imported"],
    ]);
    const known = before!.files.map((file) => ({ ...file, state: "known" }));
    expect(after).toEqual({ ...before, files: known });
  });

  it("tells in one line when a folder is missing or holds nothing of the set", async () => {
    mkdirSync(join(folder, "empty"));
    for (const path of [join(folder, "nowhere"), join(folder, "empty")]) {
      const outcome = await runCommand(["import-published", path, "--lab", newPlace()]);
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toContain(`${path} cannot be imported`);
      expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  it("explains itself", async () => {
    const { code, stdout } = await runCommand(["import-published", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("import-published");
    expect(stdout).toContain("<folder>");
    expect((await runCommand(["import-published"])).code).toBe(2);
  });
});
