/** What measuring a network with grouped convolutions on this computer says while its runtime knows none. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Precision, Runtime } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { runsGroups } from "../../src-main/profile/groupSupport.ts";
import { findHostLibrary } from "../../src-main/profile/hostProcess.ts";
import { loadTflite, TfliteInterpreter } from "../../src-main/profile/tfliteLibrary.ts";
import { addTinyNetworks } from "../e2e/tinyNetworks.ts";
import { runCommand } from "./commandLine.ts";

const { path: libraryPath, version } = findHostLibrary();
const reason = /CONV_2D with groups, which TFLite 2\.\d+\.\d+ of this computer cannot run/;
const folder = mkdtempSync(join(tmpdir(), "latlab-grouped-"));
const grouped = join(folder, "grouped.tflite");

function buildGrouped() {
  const builder = new GraphBuilder("grouped");
  return builder.build(builder.conv(builder.input([1, 8, 8, 8]), 8, 3, { groups: 2 }));
}

describe.skipIf(version === null)("the version from which groups run", () => {
  const forms = (["float32", "int8"] as const).flatMap((precision) =>
    [false, true].map((xnnpack) => ({ precision, xnnpack })),
  );
  it.each(forms)("is right about this runtime: $precision, XNNPACK $xnnpack", ({ precision, xnnpack }) => {
    const file = join(folder, `${precision} ${xnnpack}.tflite`);
    const graph = buildGrouped();
    writeFileSync(file, writeTflite(precision === "int8" ? quantizeGraph(graph) : graph));
    const open = () => {
      const options = { threads: 1, xnnpack, timeNodes: false, operatorName };
      new TfliteInterpreter(loadTflite(libraryPath!), file, options).close();
    };
    if (runsGroups(version!)) open();
    else expect(open).toThrow();
  });
});

describe.skipIf(version === null || runsGroups(version))("measuring grouped convolutions here", () => {
  let lab: OpenedLab;
  let tiny: string[];
  beforeAll(async () => {
    writeFileSync(grouped, writeTflite(buildGrouped()));
    lab = await openLab({ folder: join(folder, "lab") });
    tiny = await addTinyNetworks(lab, folder, 1);
  });
  afterAll(async () => {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (models: string[], precision: Precision, runtime: Runtime) =>
    lab.startRun({ device: "host", coreSets: ["1core"], precision, runtime, models, thoroughness: "quick" });

  it.each<[string, Precision, Runtime]>([
    ["resnext14_16x4d", "float32", "tflite"],
    ["regnetx002", "int8", "tflite"],
    [grouped, "float32", "xnnpack"],
  ])("%s alone is refused at %s on %s before anything is measured", async (model, precision, runtime) => {
    await expect(start([model], precision, runtime)).rejects.toMatchObject({
      code: "scenario-unsupported",
      message: expect.stringMatching(reason) as string,
      hint: expect.stringContaining("on a phone") as string,
    });
    expect(await lab.runs()).toEqual([]);
  });

  it("among others it is a failed cell with the reason, and no time is told of it", async () => {
    const { job, run } = await start([grouped, tiny[0]!], "float32", "tflite");
    await lab.jobResult({ job, kind: "profile" });
    const { cellList } = await lab.run({ run });
    const [refused, measured] = ["grouped", tiny[0]!].map((name) =>
      cellList.find(({ model }) => model === name)!,
    );
    expect(refused).toMatchObject({ state: "failed", latencyMs: null });
    expect(refused!.error).toMatch(reason);
    expect((await lab.measurement({ cell: refused!.id })).opTimes).toEqual([]);
    expect(["done", "noisy"]).toContain(measured!.state);
  });

  it("the command line says it in one line", async () => {
    const where = ["--device", "host", "--cores", "1core"];
    const outcome = await runCommand(["--lab", join(folder, "second"), "profile", ...where, grouped]);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(reason);
    expect(outcome.stderr).toMatch(/^error: grouped cannot be measured [^\n]+\n$/);
  });
});
