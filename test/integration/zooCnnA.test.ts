import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runZooNetwork } from "../../bench/runZooNetwork.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { splitGroups } from "../../src-main/model/groupSplitting.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";
import { loadTflite, locateTfliteLibrary, TfliteInterpreter } from "../../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";

const path = locateTfliteLibrary();

describe.skipIf(!path)("networks of the zoo in TFLite", () => {
  let library: TfliteLibrary;
  let folder: string;
  beforeAll(() => {
    library = loadTflite(path!);
    folder = mkdtempSync(join(tmpdir(), "latlab-zoo-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    "resnet18_wd4",
    "preresnet18_wd4",
    "seresnet10",
    "sepreresnet10",
    "diracnet18v2",
    "squeezenet_v1_1",
    "squeezeresnet_v1_1",
    "bagnet9",
    "hrnet_w18_small_v1",
    "dla46c",
    "densenet121",
    "bninception",
    "vovnet27s",
  ])("%s runs and its file comes back the same", { timeout: 60_000 }, (name) => {
    const verdict = runZooNetwork(library, findZooNetwork(name)!.build(), join(folder, `${name}.tflite`));
    expect(verdict).toMatchObject({ ran: "as it is", reason: null, roundTrip: true });
  });

  test.each(["resnext14_16x4d", "regnetx002", "regnety002"])(
    "%s runs once its groups are split",
    { timeout: 60_000 },
    (name) => {
      const graph = findZooNetwork(name)!.build();
      const { ran, roundTrip } = runZooNetwork(library, graph, join(folder, `${name}.tflite`));
      expect(ran).not.toBeNull();
      expect(roundTrip).toBe(true);
    },
  );

  test("a split convolution computes what the grouped one is defined to", () => {
    const builder = new GraphBuilder("grouped");
    const graph = builder.build(builder.conv(builder.input([1, 1, 1, 4]), 4, 1, { groups: 2 }));
    const { ops, tensors } = mainSubgraph(graph);
    // Filters 1 and 2 see channels 1 and 2, filters 3 and 4 see channels 3 and 4.
    tensors[ops[0]!.inputs[1]!]!.data = { kind: "values", values: [1, 2, 3, 4, 5, 6, 7, 8] };
    tensors[ops[0]!.inputs[2]!]!.data = { kind: "values", values: [0.5, 0, 0, -0.5] };
    const file = join(folder, "grouped.tflite");
    writeFileSync(file, writeTflite(splitGroups(graph)));
    const interpreter = new TfliteInterpreter(library, file, {
      threads: 1,
      xnnpack: false,
      timeNodes: false,
      operatorName,
    });
    try {
      interpreter.fillInputs((bytes) => bytes.set(new Uint8Array(Float32Array.of(1, 10, 100, 1000).buffer)));
      interpreter.invoke();
      const [output] = interpreter.readOutputs();
      expect([...new Float32Array(output!.bytes.buffer)]).toEqual([21.5, 43, 6500, 8699.5]);
    } finally {
      interpreter.close();
    }
  });
});
