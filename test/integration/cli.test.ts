import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpDetail } from "../../src-main/lab/contract.ts";
import { findHostLibrary } from "../../src-main/profile/hostProcess.ts";
import { openLab } from "../../src-main/lab/lab.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import { runCommand, startCommand, type Outcome } from "./commandLine.ts";

const commandNames = [
  ...["devices", "preflight", "settings", "pair", "connect", "disconnect", "clean", "binaries"],
  ...["models", "inspect", "build", "sample", "kernels", "profile", "export"],
  ...["fit", "predict", "evaluate", "validate", "serve", "demo"],
];

let folder: string;
let lab: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "latlab-cli ünï-"));
  lab = join(folder, "lab");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const latlab = (...args: string[]) => runCommand(["--lab", lab, ...args], { cwd: folder });

async function readJson(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await latlab(...args, "--json");
  // A command that takes long tells now and then on standard error that work goes on.
  expect(stderr).not.toMatch(/^(error|warning):/m);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

function expectOneLine({ stdout, stderr }: Outcome): void {
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^error: [^\n]+ \([^\n]+\)\n$/);
  expect(stderr).not.toMatch(/at file:|node:internal|undefined|\[object|Error:/);
}

describe("help", () => {
  it("lists every command and nothing that does not exist yet", async () => {
    const { code, stdout } = await latlab("--help");
    expect(code).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map((match) => match[1]);
    expect(listed).toEqual([...commandNames, "help"]);
  });

  it.each(commandNames)("%s explains itself with the options every command takes", async (name) => {
    const { code, stdout, stderr } = await latlab(name, "--help");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: latlab ${name}`);
    for (const option of ["--lab", "--json", "--help"]) expect(stdout).toContain(option);
  });

  it("without a command is wrong usage that shows the help", async () => {
    const { code, stdout, stderr } = await latlab();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: latlab");
  });
});

describe("wrong usage ends with 2 and one line", () => {
  it.each([
    [["nonsense"]],
    [["sampel"]],
    [["devices", "--nonsense"]],
    [["devices", "surplus"]],
    [["inspect"]],
    [["kernels", "resnet18"]],
    [["kernels", "--target", "cpu"]],
    [["kernels", "resnet18", "--target", "gpu"]],
    [["kernels", "resnet18", "--target", "cpu", "--precision", "float16"]],
    [["kernels", "resnet18", "--target", "gpu:Mali-G76", "--runtime", "xnnpack"]],
    [["sample"]],
    [["sample", "--count", "many"]],
    [["sample", "--count", "0"]],
    [["sample", "--count", "1", "--seed", "-1"]],
    [["profile"]],
    [["profile", "a"]],
    [["profile", "a", "--cores", "1core", "--gpu"]],
    [["profile", "a", "--cores", "1core", "--precision", "float64"]],
    [["profile", "a", "--cores", ","]],
    [["profile", "a", "--resume", "1"]],
    [["profile", "--cores", "1core", "--retry"]],
    [["fit"]],
    [["fit", "--scenario", "host/1core"]],
    [["fit", "--scenario", "host/1core/float32/tflite", "--learner", "magic"]],
    [["fit", "--scenario", "host/1core/float32/tflite", "--models", "a", "--exclude", "b"]],
    [["predict", "a", "--scenario", "x/y/z/w"]],
    [["evaluate", "--scenario", "host/1core/float32/tflite", "--train-sizes", "10,x"]],
    [["profile", "a", "--gpu", "--runtime", "tflite"]],
    [["profile", "a", "--cores", "1core", "--device", ","]],
    [["preflight"]],
    [["preflight", "--device", "host"]],
    [["clean"]],
    [["pair", "192.168.1.7:37001"]],
    [["pair", "192.168.1.7:37001", "12345x"]],
    [["connect", "192.168.1.7"]],
    [["disconnect", ":5555"]],
    [["settings", "--adb-server", "nobody"]],
    [["settings", "--cache", "10"]],
    [["settings", "--start-temperature", "warm"]],
    [["binaries", "--download", "mips"]],
    [["binaries", "--use", "0000"]],
    [["binaries", "--yes"]],
    [["serve", "--port", "70000"]],
  ])("%j", async (args) => {
    const outcome = await latlab(...args);
    expectOneLine(outcome);
    expect(outcome.code).toBe(2);
  });
});

describe("what fails ends with 1 and one line, also under --json", () => {
  it.each([
    [["inspect", "nobody"]],
    [["inspect", "/"]],
    [["inspect", "broken.tflite"]],
    [["kernels", "nobody", "--target", "cpu"]],
    [["build", "nobody", "--out", "x"]],
    [["build", "broken.tflite", "--out", "x"]],
    [["profile", "nobody", "--cores", "1core"]],
    [["profile", "broken.tflite", "--cores", "9999core"]],
    [["profile", "x", "--device", "phone", "--gpu"]],
    [["profile", "x", "--device", "host,phone", "--cores", "1core"]],
    [["profile", "--resume", "99"]],
    [["preflight", "--device", "phone"]],
    [["clean", "--device", "phone"]],
    [["connect", "192.168.1.7:5555"]],
    [["pair", "192.168.1.7:37001", "123456"]],
    [["binaries", "--add", "nowhere"]],
    [["binaries", "--add", "broken.tflite"]],
    [["fit", "--scenario", "host/1core/float32/tflite"]],
    [["predict", "x", "--scenario", "host/1core/float32/tflite"]],
    [["evaluate", "--scenario", "host/1core/float32/tflite"]],
    [["validate", "x", "--scenario", "host/1core/float32/tflite"]],
    [["export", "--scenario", "host/1core/float32/tflite"]],
    [["export", "--out", "/nowhere/at/all.csv"]],
    [["models", "--add", "broken.tflite"]],
    [["serve", "--host", "203.0.113.7"]],
  ])("%j", async (args) => {
    writeFileSync(join(folder, "broken.tflite"), "\0\0\0\0TFL3 and nothing that follows from it");
    const outcome = await latlab(...args, "--json");
    expectOneLine(outcome);
    expect(outcome.code).toBe(1);
  });

  it("a lab that cannot be opened is left as it was", async () => {
    const strange = join(folder, "strange");
    mkdirSync(strange);
    writeFileSync(join(strange, "lab.sqlite"), "These are my notes, not a lab.".repeat(10));
    const outcome = await runCommand(["models", "--lab", strange]);
    expectOneLine(outcome);
    expect(outcome.code).toBe(1);
    expect(readFileSync(join(strange, "lab.sqlite"), "utf8")).toMatch(/^These are my notes/);
    const file = await runCommand(["models", "--lab", join(strange, "lab.sqlite")]);
    expectOneLine(file);
    expect(file.code).toBe(1);
  });
});

describe("networks", () => {
  it("are sampled, listed, inspected, built, removed", async () => {
    const sampled = (await readJson("sample", "--count", "3", "--seed", "5", "--out", "öut")) as {
      name: string;
      path: string;
      flops: number;
    }[];
    expect(sampled.map((model) => model.name)).toEqual(["nas-s5-0000", "nas-s5-0001", "nas-s5-0002"]);
    expect(existsSync(sampled[2]!.path)).toBe(true);
    expect(await readJson("models", "s5-0001")).toMatchObject([{ name: "nas-s5-0001", kind: "sampled" }]);

    const details = await readJson("inspect", "nas-s5-0000", join("öut", "nas-s5-0000.tflite"));
    const [fromLibrary, fromFile] = details as { ops: OpDetail[]; flops: number }[];
    expect(fromFile!.flops).toBe(sampled[0]!.flops);
    // A file states defaults that the recipe of a sampled network leaves out.
    const describeOps = (ops: OpDetail[]) => ops.map(({ attributes: _, ...op }) => op);
    expect(describeOps(fromLibrary!.ops)).toEqual(describeOps(fromFile!.ops));
    expect(Object.keys(fromFile!)).toEqual(
      expect.arrayContaining(["name", "inputs", "outputs", "ops", "flops", "params", "bytes"]),
    );
    expect(Object.keys(fromFile!.ops[0]!)).toEqual(
      expect.arrayContaining(["index", "op", "inputs", "outputs", "attributes", "flops", "params"]),
    );

    const built = (await readJson("build", "nas-s5-0001", "--out", "built")) as {
      path: string;
      bytes: number;
    }[];
    expect(readFileSync(built[0]!.path).equals(readFileSync(sampled[1]!.path))).toBe(true);
    expect(built[0]!.bytes).toBe(readFileSync(sampled[1]!.path).length);

    const { stdout } = await latlab("models", "--remove", "nas-s5-0002", "nas-s5-0001");
    expect(stdout).toContain("nas-s5-0000");
    expect(stdout).not.toContain("nas-s5-0001");
  });

  it("tell what they are as plain tables without a terminal", async () => {
    const { code, stdout, stderr } = await latlab("inspect", "nas-s5-0000");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^nas-s5-0000: [\d.]+ [MG]FLOPs, /);
    expect(stdout).toContain("CONV_2D");
    // eslint-disable-next-line no-control-regex -- the absence of control characters is what is tested
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });
});

describe("devices", () => {
  it("are told with their core sets", async () => {
    const [host] = (await readJson("devices")) as Record<string, unknown>[];
    expect(Object.keys(host!)).toEqual(
      expect.arrayContaining([
        "id",
        "name",
        "kind",
        "state",
        "soc",
        "gpu",
        "abi",
        "os",
        "clusters",
        "coreSets",
      ]),
    );
    expect(host).toMatchObject({ id: "host", kind: "host" });
  });
});

describe("settings", () => {
  it("are shown, changed alone, and taken back", async () => {
    const place = ["--lab", join(folder, "settings")];
    expect(await readJson("settings", ...place)).toMatchObject({ adbPath: null, startTemperatureC: 38 });
    const changed = await readJson(
      "settings",
      ...["--adb", "tools/adb", "--adb-server", "lab-2:5037,lab-3:5037", "[fe80::1]:5037"],
      ...["--cache", "500000000", "--start-temperature", "35.5"],
      ...place,
    );
    expect(changed).toEqual({
      adbPath: join(folder, "tools/adb"),
      adbServers: ["lab-2:5037", "lab-3:5037", "[fe80::1]:5037"],
      wifiPhones: [],
      phoneCacheBytes: 500_000_000,
      startTemperatureC: 35.5,
    });
    expect(await readJson("settings", "--adb", "auto", "--adb-server", "none", ...place)).toMatchObject({
      adbPath: null,
      adbServers: [],
      phoneCacheBytes: 500_000_000,
    });
    expect((await latlab("settings", ...place)).stdout).toMatch(/start temperature +35\.5 °C/);
  });
});

describe("interrupting", () => {
  it("cancels cleanly: 130, one line, what was committed is kept", async () => {
    const place = join(folder, "interrupted");
    const running = startCommand(["sample", "--count", "100000", "--seed", "1", "--json", "--lab", place]);
    await expect
      .poll(async () => existsSync(join(place, "lab.sqlite")) && (await countModels(place)) > 0, {
        timeout: 60_000,
      })
      .toBe(true);
    running.child.kill("SIGINT");
    const outcome = await running.outcome;
    expect(outcome.code).toBe(130);
    expect(outcome.stdout).toBe("");
    expect(outcome.stderr.trimEnd().split("\n").at(-1)).toMatch(/^error: Cancelled \([^\n]+\)$/);
    expect(await countModels(place)).toBeGreaterThan(0);
  });

  it("passes through the launcher, as do exit codes", async () => {
    const place = join(folder, "launched");
    expect((await runCommand(["nonsense"], { launcher: true })).code).toBe(2);
    expect((await runCommand(["inspect", "nobody", "--lab", place], { launcher: true })).code).toBe(1);
    const running = startCommand(["sample", "--count", "100000", "--seed", "1", "--lab", place], {
      launcher: true,
    });
    await expect.poll(() => countModels(place), { timeout: 60_000 }).toBeGreaterThan(0);
    running.child.kill("SIGTERM");
    expect((await running.outcome).code).toBe(130);
  });
});

async function countModels(place: string): Promise<number> {
  const opened = await openLab({ folder: place });
  try {
    return (await opened.models({ kind: "sampled" })).length;
  } finally {
    await opened.close();
  }
}

describe("serve", () => {
  it("prints its address, serves until interrupted, and ends well", async () => {
    const running = startCommand(["serve", "--json", "--lab", lab]);
    const { url } = JSON.parse(await running.waitForOutput("}\n")) as { url: string };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<title>Latency Lab</title>");
    const taken = await latlab("serve", "--port", new URL(url).port);
    expectOneLine(taken);
    expect(taken.code).toBe(1);
    running.child.kill("SIGINT");
    expect(await running.outcome).toMatchObject({ code: 0, stderr: "" });
  });
});

const { problem } = findHostLibrary();
if (problem) console.log(`skipped: measuring from the command line, because ${problem}`);

describe.skipIf(problem !== null)("the main job from the command line", () => {
  it("profiles, fits, predicts, evaluates, validates and exports", async () => {
    const opened = await openLab({ folder: lab });
    const names = await addTinyNetworks(opened, folder, 9);
    const coreSet = (await opened.devices())[0]!.coreSets[0]!.name;
    await opened.close();
    const train = names.slice(0, 8);
    const [unseen] = names.slice(8);
    const scenario = `host/${coreSet}/float32/tflite`;

    const profile = [
      "profile",
      "--device",
      "host",
      "--cores",
      coreSet,
      "--precision",
      "float32",
      "--runtime",
      "tflite",
    ];
    const run = await readJson(...profile, "--thoroughness", "quick", ...train);
    expect(run).toMatchObject({ run: 1, cells: 8, failed: 0 });
    expect(await readJson("profile", "--resume", "1")).toMatchObject({ run: 1, cells: 8 });

    const fitted = await readJson("fit", "--scenario", scenario, "--learner", "lasso", "--seed", "3");
    expect(fitted).toMatchObject({ predictor: 1, scenario, learner: "lasso", models: 8, seed: 3 });
    expect(fitted).toHaveProperty("crossValidated.mape");
    expect(fitted).toHaveProperty("fitMs");

    const lines = await latlab("predict", ...names, "--scenario", scenario, "--jsonl", "--no-ops");
    const predictions = lines.stdout
      .trimEnd()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as {
            model: string;
            latencyMs: number;
            measuredMs: number | null;
            ops: unknown[];
            learntFrom: boolean;
          },
      );
    expect(predictions.map((one) => one.model)).toEqual(names);
    expect(predictions.every((one) => one.latencyMs > 0 && one.ops.length === 0)).toBe(true);
    expect(predictions.map((one) => one.measuredMs !== null)).toEqual(names.map((name) => name !== unseen));
    expect(predictions.map((one) => one.learntFrom)).toEqual(names.map((name) => name !== unseen));
    const [withOps] = (await readJson("predict", unseen!, "--scenario", scenario)) as {
      ops: { ms: number }[];
    }[];
    expect(withOps!.ops.length).toBeGreaterThan(3);

    const evaluation = [
      "evaluate",
      "--scenario",
      scenario,
      "--learner",
      "lasso",
      "--train-sizes",
      "6",
      "--splits",
      "2",
    ];
    expect(await readJson(...evaluation)).toMatchObject({
      scenario,
      rows: [
        { learner: "lasso", trainSize: 6, splits: 2 },
        { learner: "flops", trainSize: 6, splits: 2 },
      ],
    });

    const validation = await readJson("validate", unseen!, "--scenario", scenario, "--thoroughness", "quick");
    expect(validation).toMatchObject([{ model: unseen, scenario, learntFrom: false }]);
    const [{ predictedMs, measuredMs, error }] = validation as [
      { predictedMs: number; measuredMs: number; error: number },
    ];
    expect(error).toBeCloseTo((predictedMs - measuredMs) / measuredMs, 9);

    const { stdout: csv } = await latlab("export", "--scenario", scenario);
    expect(csv.trimEnd().split("\n").length).toBe(1 + 9);
    expect(await readJson("export", "--ops", "--out", "ops.csv")).toMatchObject({
      path: join(folder, "ops.csv"),
    });
    expect(readFileSync(join(folder, "ops.csv"), "utf8")).toContain("CONV_2D");
  });

  it("a file the reader takes and the runtime refuses ends as one line", async () => {
    const builder = new GraphBuilder("refused", { seed: 1, description: "" });
    const graph = builder.build(builder.conv(builder.input([1, 16, 16, 3]), 4, 3, { name: "conv" }));
    for (const op of mainSubgraph(graph).ops) op.version = 99;
    const path = join(folder, "refused.tflite");
    writeFileSync(path, writeTflite(graph));
    expect(await readJson("inspect", path)).toMatchObject([{ name: "refused" }]);
    const [host] = (await readJson("devices")) as { coreSets: { name: string }[] }[];
    const coreSet = host!.coreSets[0]!.name;
    const outcome = await latlab("profile", "--cores", coreSet, "--thoroughness", "quick", path);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/^error: refused did not run on [^\n]+\n$/);
  });
});
