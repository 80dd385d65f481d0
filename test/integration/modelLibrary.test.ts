/** Networks that a name alone defines, in a lab: the zoo and candidates of search spaces, listed, built, kept and found again. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { findZooNetwork, listZoo } from "../../src-main/model/zoo/zoo.ts";
import { openStore } from "../../src-main/store/database.ts";
import { addRecipes } from "../../src-main/store/recipes.ts";
import { finish } from "./finish.ts";
import { runCommand } from "./commandLine.ts";

const folder = mkdtempSync(join(tmpdir(), "latlab-library-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The smallest network of NAS-Bench-201. */
const smallest = "nb201:|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
const shortest = "fbnet:8888888888888888888888";

function buildSmall(name: string): Graph {
  const builder = new GraphBuilder(name);
  const x = builder.conv(builder.input([1, 8, 8, 3]), 4, 3, { activation: "relu" });
  return builder.build(builder.fullyConnected(builder.globalAveragePool(x), 10));
}

describe("a lab in which nothing was done yet", () => {
  let lab: OpenedLab;
  beforeAll(async () => {
    lab = await openLab({ folder: join(folder, "fresh") });
  });
  afterAll(() => lab.close());

  it("lists the whole zoo with what it costs, and finds it by name, family and kind", async () => {
    const models = await lab.models();
    expect(models.map(({ name }) => name)).toEqual(listZoo().map(({ name }) => name));
    expect(
      models.every(({ kind, addedAt, measuredOn }) => kind === "zoo" && !addedAt && !measuredOn.length),
    ).toBe(true);
    const names = async (filter: Parameters<OpenedLab["models"]>[0]) =>
      (await lab.models(filter)).map(({ name }) => name);
    expect(await names({ family: "fdmobilenet" })).toEqual(
      expect.arrayContaining(["fdmobilenet_w1", "fdmobilenet_wd4"]),
    );
    expect(await names({ text: "fdmobilenet_wd" })).toEqual(["fdmobilenet_wd2", "fdmobilenet_wd4"]);
    expect(await names({ kind: "sampled" })).toEqual([]);
    const graph = findZooNetwork("fdmobilenet_wd4")!.build();
    const { flops, params } = costGraph(graph);
    const [described] = await lab.models({ text: "fdmobilenet_wd4" });
    expect(described).toMatchObject({ flops, params, ops: mainSubgraph(graph).ops.length });
    expect(described!.bytes / writeTflite(graph).length).toBeCloseTo(1, 2);
  });

  it("inspects networks by name, encoding and pattern, each with its paper", async () => {
    const details = await lab.inspect({ models: ["fdmobilenet_w*", smallest, "fdmobilenet_wd4"] });
    expect(details.map(({ name }) => name).toSorted()).toEqual(
      ["fdmobilenet_w1", "fdmobilenet_w3d4", "fdmobilenet_wd2", "fdmobilenet_wd4", smallest].toSorted(),
    );
    for (const { paper } of details) expect(paper).toMatch(/\d{4}.*arXiv|http/);
    // Nothing of it is kept: looking is not using.
    expect(await lab.models({ kind: "sampled" })).toEqual([]);
  });

  it("keeps the names it gives a meaning for itself, also those of encodings with a mistake", async () => {
    const base64 = Buffer.from(writeTflite(buildSmall("small"))).toString("base64");
    for (const name of ["resnet18.tflite", `${shortest}.tflite`, "fbnet:1.tflite"])
      await expect(lab.addModelFile({ name, base64 })).rejects.toMatchObject({
        code: "model-exists",
        message: `${name.replace(".tflite", "")} is the name of a network that Latency Lab builds itself`,
      });
    await expect(lab.removeModels({ names: ["resnet18"] })).rejects.toMatchObject({ code: "bad-request" });
  });

  it("tells what is wrong with a name in one line", async () => {
    await expect(lab.inspect({ models: ["resnet19"] })).rejects.toMatchObject({ code: "model-unknown" });
    await expect(lab.inspect({ models: ["nb301:*"] })).rejects.toMatchObject({ code: "model-unknown" });
    await expect(lab.inspect({ models: ["fbnet:12"] })).rejects.toMatchObject({
      code: "bad-request",
      message: "fbnet:12 is no network: at character 9 the list ends after 2 of 22 choices",
    });
    await expect(lab.inspect({ models: [`fbnet:${"0".repeat(5000)}`] })).rejects.toMatchObject({
      code: "bad-request",
    });
    // Longer than the name of a file can be.
    await expect(lab.inspect({ models: ["x".repeat(4000)] })).rejects.toMatchObject({
      code: "model-unknown",
      message: expect.stringMatching(/^There is no model named x{200}… in this lab/) as string,
    });
  });

  it("builds what was named, as long as the listed sizes say, and int8 a quarter of it", async () => {
    const names = ["fdmobilenet_wd*", shortest];
    const float = await finish(
      lab,
      lab.startBuild({ names, precision: "float32", out: join(folder, "float") }),
    );
    const int8 = await finish(lab, lab.startBuild({ names, precision: "int8", out: join(folder, "int8") }));
    expect(float.map(({ name }) => name)).toEqual(["fdmobilenet_wd2", "fdmobilenet_wd4", shortest]);
    expect(int8.map(({ name }) => name)).toEqual(float.map(({ name }) => name));
    expect(float.map(({ path }) => basename(path))).toEqual([
      "fdmobilenet_wd2.tflite",
      "fdmobilenet_wd4.tflite",
      "fbnet_8888888888888888888888.tflite",
    ]);
    for (const [index, { path, bytes }] of float.entries()) {
      expect(statSync(path).size).toBe(bytes);
      expect(int8[index]!.bytes / bytes).toBeLessThan(0.3);
    }
    const wanted = writeTflite(findZooNetwork("fdmobilenet_wd4")!.build());
    expect(Buffer.compare(readFileSync(float[1]!.path), wanted)).toBe(0);
    await expect(lab.startBuild({ names, precision: "float16", out: folder })).rejects.toMatchObject({
      code: "scenario-unsupported",
    });
  });

  it("building all stops where it is cancelled; what is there by then is whole", async () => {
    const out = join(folder, "all");
    let progress = "";
    const reached = new Promise<void>((resolve) => {
      lab.subscribe((event) => {
        if (event.type !== "job" || event.job.kind !== "build" || event.job.progress.state !== "running")
          return;
        progress = event.job.progress.note;
        if (event.job.progress.total === listZoo().length && event.job.progress.done > 1) resolve();
      });
    });
    const { job } = await lab.startBuild({ names: ["all"], precision: "int8", out });
    await reached;
    await lab.cancelJob({ job });
    await expect(lab.jobResult({ job, kind: "build" })).rejects.toMatchObject({ code: "cancelled" });
    expect(findZooNetwork(progress)).not.toBeNull();
    const files = readdirSync(out);
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThan(listZoo().length);
    expect(files.filter((file) => !file.endsWith(".tflite"))).toEqual([]);
    for (const detail of await lab.inspect({ models: files.slice(0, 3).map((file) => join(out, file)) }))
      expect(detail.quantized).toBe(true);
  });
});

describe("what was used", () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(join(folder, "used-"));
  });

  it("is in the library of the next session too, once for all ways to write it", async () => {
    const spelled = `[${new Array(22).fill("'skip'").join(", ")}]`;
    const models = [smallest, `fbnet:${spelled}`, shortest, "fdmobilenet_wd4"];
    const first = await openLab({ folder: place });
    const { run, job } = await first.startRun({
      device: "host",
      coreSets: ["1core"],
      precision: "float32",
      runtime: "tflite",
      models,
      thoroughness: "quick",
    });
    // That they were admitted is enough; whether they are measured makes no difference.
    await first.cancelJob({ job });
    await first.close();

    const second = await openLab({ folder: place });
    const sampled = await second.models({ kind: "sampled" });
    expect(sampled.map(({ name }) => name).toSorted()).toEqual([shortest, smallest]);
    for (const { addedAt, hash, family } of sampled) {
      expect(addedAt).toMatch(/^\d{4}-/);
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(["fbnet", "nas-bench-201"]).toContain(family);
    }
    const [zoo] = await second.models({ text: "fdmobilenet_wd4" });
    expect(zoo).toMatchObject({ kind: "zoo", addedAt: expect.stringMatching(/^\d{4}-/) as string });
    expect((await second.run({ run })).cellList.map(({ model }) => model).toSorted()).toEqual(
      [shortest, "fdmobilenet_wd4", smallest].toSorted(),
    );
    await second.close();
  });

  it("and built otherwise by a former version goes on under a name of its own", async () => {
    mkdirSync(place, { recursive: true });
    const store = openStore(place);
    const graph = buildSmall("resnet18");
    addRecipes(store, [
      { name: "resnet18", family: "resnet", kind: "zoo", graph, ops: 3, flops: 10, params: 5, bytes: 100 },
    ]);
    store.close();
    const lab = await openLab({ folder: place });
    const found = await lab.models({ text: "resnet18" });
    const aside = found.find(({ name }) => name.includes("@"))!;
    const now = found.find(({ name }) => name === "resnet18")!;
    expect(aside.name).toBe(`resnet18@${aside.hash.slice(0, 12)}`);
    expect(aside).toMatchObject({ kind: "zoo", flops: 10 });
    expect(now.hash).not.toBe(aside.hash);
    expect(now.flops).toBe(costGraph(findZooNetwork("resnet18")!.build()).flops);
    const [old] = await lab.inspect({ models: [aside.name] });
    expect(old!.ops.length).toBe(mainSubgraph(graph).ops.length);
    await lab.close();
  });

  it("and a file of a name that was free then keeps it", async () => {
    const path = join(place, "resnet18-ours.tflite");
    writeFileSync(path, writeTflite(buildSmall("ours")));
    const lab = await openLab({ folder: join(place, "lab") });
    const [added] = await lab.addModels({ paths: [path] });
    expect(added).toMatchObject({ name: "resnet18-ours", kind: "file" });
    expect((await lab.inspect({ models: ["resnet18*"] })).map(({ name }) => name)).toContain("resnet18-ours");
    await lab.close();
  });
});

describe("candidates of a file, on the command line", () => {
  const lab = join(folder, "cli");
  const list = join(folder, "candidates ünï.txt");
  const inspect = (...args: string[]) => runCommand(["--lab", lab, "inspect", ...args], { cwd: folder });

  it("are taken one a line, without comments and empty lines, after the arguments", async () => {
    writeFileSync(join(folder, "own.tflite"), writeTflite(buildSmall("own")));
    writeFileSync(
      list,
      `\uFEFF# candidates\r\n\r\n  ${smallest}  # the smallest\r\n${shortest}\nfdmobilenet_wd*\nown.tflite`,
    );
    const { code, stdout, stderr } = await inspect("fdmobilenet_w1", "--from", list, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const details = JSON.parse(stdout) as { name: string }[];
    expect(details.map(({ name }) => name)).toEqual([
      "fdmobilenet_w1",
      smallest,
      shortest,
      "fdmobilenet_wd2",
      "fdmobilenet_wd4",
      "own",
    ]);
  });

  it.each([
    [
      `${smallest}\n\nfbnet:12\n`,
      2,
      /line 3: fbnet:12 is no network: at character 9 the list ends after 2 of 22/,
    ],
    [`# one\nresnet18\nresnet19\n`, 1, /line 3: There is no model named resnet19 in this lab/],
    [`resnet18\nnb301*\n`, 1, /line 2: There is no model named nb301\* in this lab/],
    [`resnet18\n${"x".repeat(100_000)}\n`, 1, /line 2: There is no model named x{200}… in this lab/],
    ["# nothing\n\n", 2, /names no model \(Write one name or encoding a line\)/],
  ])("%# tell the line that is wrong", async (text, expected, message) => {
    writeFileSync(list, text);
    const { code, stdout, stderr } = await inspect("--from", list);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toMatch(/^error: [^\n]{1,400} \([^\n]+\)\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("candidates ünï.txt");
  });

  it("need a file that can be read, or models by name", async () => {
    const missing = await inspect("--from", join(folder, "missing.txt"));
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/missing\.txt cannot be read: there is no such file \(Give a text file/),
    ]);
    const nothing = await inspect();
    expect([nothing.code, nothing.stderr]).toEqual([
      2,
      "error: missing models (name some, or give --from FILE)\n",
    ]);
    expect((await runCommand(["--lab", lab, "profile", "--resume", "1", "--from", list])).code).toBe(2);
  });
});
