/** int8 from end to end: float networks of a lab built, measured on this computer and predicted in their quantised form. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Runtime } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { locateTfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import { finish } from "./finish.ts";

const folder = mkdtempSync(join(tmpdir(), "latlab-int8-"));
let lab: OpenedLab;
let tiny: string[];

beforeAll(async () => {
  lab = await openLab({ folder: join(folder, "lab") });
  tiny = await addTinyNetworks(lab, folder, 9);
  await finish(lab, lab.startSample({ count: 1, seed: 3 }));
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const build = (names: string[], out: string, precision: "float32" | "float16" | "int8" = "int8") =>
  finish(lab, lab.startBuild({ names, precision, out: join(folder, out) }));

const half = fileURLToPath(
  new URL("../../node_modules/@mediapipe/hands/hand_landmark_lite.tflite", import.meta.url),
);

describe("building at int8", () => {
  it("writes sampled networks and files a quarter as large, with int8 ends", async () => {
    const built = await build(["nas-s3-0000", tiny[0]!], "built");
    for (const { name, path, bytes } of built) {
      const file = readFileSync(path);
      expect(file.length).toBe(bytes);
      const [shown] = await lab.inspect({ models: [path] });
      expect(shown).toMatchObject({
        quantized: true,
        inputs: [{ dtype: "int8" }],
        outputs: [{ dtype: "int8" }],
      });
      const [float] = await lab.inspect({ models: [name] });
      expect(shown!.flops).toBe(float!.flops);
      expect(shown!.params).toBe(float!.params);
    }
    const [sampled] = await lab.models({ kind: "sampled" });
    expect(built[0]!.bytes / sampled!.bytes).toBeLessThan(0.28);
  });

  it("hands out a quantised file as it is, and refuses what has no int8 form", async () => {
    const [first] = await build([tiny[1]!], "once");
    const [again] = await build([first!.path], "twice");
    expect(readFileSync(again!.path).equals(readFileSync(first!.path))).toBe(true);
    // Onto itself: nothing to do.
    expect(await build([first!.path], "once")).toEqual([{ ...first }]);
    await expect(build([half], "half")).rejects.toMatchObject({
      code: "model-unwritable",
      message: expect.stringMatching(
        /^hand_landmark_lite cannot be quantised to int8: the tensor .* is float16$/,
      ) as string,
    });
    await expect(build([tiny[1]!], "half", "float16")).rejects.toMatchObject({
      code: "scenario-unsupported",
    });
    expect(readdirSync(folder)).not.toContain("half.tflite");
  });

  it("of a model without int8 form keeps no other from being built, whichever comes first", async () => {
    for (const [out, names] of [
      ["last", [tiny[1]!, tiny[2]!, half]],
      ["first", [half, tiny[1]!, tiny[2]!]],
    ] as const) {
      await expect(build([...names], out)).rejects.toMatchObject({
        code: "model-unwritable",
        message: expect.stringMatching(
          /^1 of 3 models were not built: hand_landmark_lite cannot be quantised to int8: [^\n]+$/,
        ) as string,
      });
      expect(readdirSync(join(folder, out)).sort()).toEqual(
        [`${tiny[1]!}.tflite`, `${tiny[2]!}.tflite`].sort(),
      );
    }
  });

  it("goes on where one file is blocked, not where the folder is", async () => {
    const out = join(folder, "blocked");
    mkdirSync(join(out, `${tiny[1]!}.tflite`), { recursive: true });
    // A folder in the way of one file is no reason to leave out the others.
    await expect(build([tiny[1]!, tiny[2]!], "blocked")).rejects.toMatchObject({
      message: expect.stringMatching(
        /^1 of 2 models were not built: .*there is a folder of that name/,
      ) as string,
    });
    expect(readdirSync(out)).toContain(`${tiny[2]!}.tflite`);
    writeFileSync(join(folder, "a file"), "");
    await expect(build([tiny[1]!, tiny[2]!], "a file")).rejects.toMatchObject({
      code: "model-unwritable",
      message: expect.not.stringContaining("models were not built") as string,
    });
  });

  it("refuses two models that one file would have to hold, before anything is built", async () => {
    const [other] = await build([tiny[1]!], "other", "float32");
    await expect(build([tiny[1]!, other!.path], "both")).rejects.toMatchObject({
      code: "bad-request",
      message: `${tiny[1]!} and ${other!.path} would both be written to ${tiny[1]!}.tflite`,
    });
    expect(existsSync(join(folder, "both"))).toBe(false);
  });

  it("never overwrites the float network it reads", async () => {
    const [float] = await build([tiny[2]!], "float", "float32");
    const before = readFileSync(float!.path);
    await expect(build([float!.path], "float")).rejects.toMatchObject({ code: "model-unwritable" });
    expect(readFileSync(float!.path).equals(before)).toBe(true);
  });
});

describe.skipIf(!locateTfliteLibrary())("measuring and predicting at int8", () => {
  async function measure(models: string[], runtime: Runtime) {
    const started = await lab.startRun({
      device: "host",
      coreSets: ["1core"],
      precision: "int8",
      runtime,
      models,
      thoroughness: "quick",
    });
    await lab.jobResult({ job: started.job, kind: "profile" });
    const { cellList } = await lab.run({ run: started.run });
    return Promise.all(cellList.map(({ id }) => lab.measurement({ cell: id })));
  }

  it("this computer offers it", async () => {
    expect((await lab.devices())[0]!.precisions).toEqual(["float32", "int8"]);
  });

  it(
    "runs the quantised file, op by op, and learns and predicts from its graph",
    { timeout: 120_000 },
    async () => {
      const measured = await measure(tiny, "tflite");
      const built = new Map(
        (await build(tiny, "measured")).map(({ name, path }) => [name, readFileSync(path)]),
      );
      for (const { cell, provenance, opTimes } of measured) {
        expect(["done", "noisy"]).toContain(cell.state);
        const file = built.get(cell.model)!;
        expect(provenance!.modelHash).toBe(createHash("sha256").update(file).digest("hex"));
        const { ops } = mainSubgraph(readTflite(file, "built"));
        expect(opTimes.map(({ type }) => type)).toEqual(ops.map(({ type }) => type));
      }
      const scenario = "host/1core/int8/tflite";
      await finish(lab, lab.startFit({ scenario, learner: "lasso" }));
      // This one ends in an op without an int8 kernel: its prediction has the conversions round it.
      const b = new GraphBuilder("rooted", { seed: 1 });
      const x = b.conv(b.input([1, 24, 24, 3]), 8, 3, { stride: 2, activation: "relu6" });
      const path = join(folder, "rooted.tflite");
      writeFileSync(path, writeTflite(b.build(b.unary("SQRT", x))));
      const [known, unknown] = await lab.predict({ models: [tiny[0]!, path], scenario });
      expect(known).toMatchObject({ learntFrom: true });
      expect(known!.measuredMs).toBeGreaterThan(0);
      expect(unknown!.ops.map(({ op }) => op)).toEqual(["CONV_2D", "DEQUANTIZE", "SQRT", "QUANTIZE"]);
      await expect(lab.predict({ models: [half], scenario })).rejects.toMatchObject({
        code: "model-unwritable",
      });
      await expect(measure([half], "tflite")).rejects.toMatchObject({ code: "model-unwritable" });
    },
  );

  it("runs on XNNPACK, which takes int8 convolutions", { timeout: 60_000 }, async () => {
    const [{ cell, opTimes, provenance }] = (await measure([tiny[0]!], "xnnpack")) as [
      Awaited<ReturnType<typeof measure>>[number],
    ];
    expect(["done", "noisy"]).toContain(cell.state);
    expect(provenance!.flags).toContain("--use_xnnpack=true");
    // The builtin kernels' rows are those of what XNNPACK left.
    expect(opTimes.map(({ type }) => type)).not.toContain("CONV_2D");
  });

  it(
    "measures a file that is quantised already as it is, and removes what it wrote with its model",
    { timeout: 60_000 },
    async () => {
      const [built] = await build([tiny[3]!], "own");
      const path = join(folder, "own int8.tflite");
      writeFileSync(path, readFileSync(built!.path));
      const [{ run, cell, provenance }] = (await measure([path], "tflite")) as [
        Awaited<ReturnType<typeof measure>>[number],
      ];
      expect(["done", "noisy"]).toContain(cell.state);
      expect(provenance!.modelHash).toBe(createHash("sha256").update(readFileSync(path)).digest("hex"));
      const placed = () =>
        readdirSync(join(folder, "lab", "models")).filter((file) => file.startsWith(provenance!.modelHash));
      expect(placed().length).toBe(2);
      await lab.removeModels({ names: ["own int8"] });
      await lab.removeRun({ run });
      expect(placed()).toEqual([]);
    },
  );
});
