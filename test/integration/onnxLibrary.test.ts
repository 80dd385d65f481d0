/** .onnx files where networks' files are taken: by path, as an upload, and in what is written, measured and predicted of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { locateTfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";
import { testNetworks } from "../unit/onnxNetworks.ts";
import { finish } from "./finish.ts";

const residual = testNetworks[0]!;
const ops = [
  ["CONV_2D", "PAD", "MAX_POOL_2D"],
  ["CONV_2D", "CONV_2D", "CONV_2D"],
  ["ADD", "MEAN", "FULLY_CONNECTED"],
].flat();

let folder: string;
let path: string;
let lab: OpenedLab;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "latlab-onnx-"));
  path = join(folder, "my block.ONNX");
  writeFileSync(path, residual.build().encode());
  lab = await openLab({ folder: join(folder, "lab") });
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("an .onnx", () => {
  it("is inspected by its path, added by it and by its bytes, as the same model", async () => {
    const [detail] = await lab.inspect({ models: [path] });
    expect(detail!.ops.map(({ op }) => op)).toEqual(ops);
    const [added] = await lab.addModels({ paths: [path] });
    expect(added).toMatchObject({ name: "my block", kind: "file", ops: ops.length });
    const base64 = readFileSync(path).toString("base64");
    expect(await lab.addModelFile({ name: "my block.onnx", base64 })).toEqual(added);
  });

  it("is built as the .tflite it was converted to, from the library and from its path, at int8 too", async () => {
    for (const [name, out] of [
      ["my block", "library"],
      [path, "path"],
    ] as const) {
      const job = lab.startBuild({ names: [name], precision: "float32", out: join(folder, out) });
      const [built] = await finish(lab, job);
      expect(mainSubgraph(readTflite(readFileSync(built!.path), name)).ops.map(({ type }) => type)).toEqual(
        ops,
      );
    }
    const quantized = lab.startBuild({ names: [path], precision: "int8", out: join(folder, "int8") });
    const [built] = await finish(lab, quantized);
    expect((await lab.inspect({ models: [built!.path] }))[0]!.quantized).toBe(true);
  });

  it.skipIf(!locateTfliteLibrary())("is measured, op by op", async () => {
    const started = await lab.startRun({
      device: "host",
      coreSets: ["1core"],
      precision: "float32",
      runtime: "tflite",
      models: [path],
      thoroughness: "quick",
    });
    await lab.jobResult({ job: started.job, kind: "profile" });
    const { cellList } = await lab.run({ run: started.run });
    const { opTimes } = await lab.measurement({ cell: cellList[0]!.id });
    expect(opTimes.map(({ type }) => type)).toEqual(ops);
  });

  it("that is none is refused in a line, and nothing is added", async () => {
    const broken = join(folder, "broken.onnx");
    writeFileSync(broken, "no network");
    const before = (await lab.models()).length;
    await expect(lab.addModels({ paths: [broken] })).rejects.toMatchObject({
      code: "model-unreadable",
      message: expect.stringMatching(/broken\.onnx cannot be read as ONNX: [^\n]+$/) as string,
    });
    expect((await lab.models()).length).toBe(before);
  });
});
