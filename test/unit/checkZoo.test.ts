import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compareRows, listGraphRows } from "../../bench/graphRows.ts";
import { formatRow, readPublishedZoo } from "../../bench/publishedRows.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";

describe("rows of a graph", () => {
  test("hold the features the published tables have, the shape of a padded input with its padding", () => {
    const builder = new GraphBuilder("net");
    let x = builder.conv(builder.input([1, 10, 10, 4]), 8, 3, { stride: 2, padding: 1, activation: "relu" });
    x = builder.conv(x, 6, 3, { groups: 2 });
    x = builder.depthwise(x, 5);
    x = builder.concat([x, builder.maxPool(x, 2, { stride: 1, padding: "same" })]);
    x = builder.mul(x, builder.globalAveragePool(x, { keepDims: true }));
    const graph = builder.build(builder.fullyConnected(builder.globalAveragePool(x), 3));
    expect(listGraphRows(graph)).toEqual([
      // 2 × 5² × 8 × 3² × 4 and so on.
      formatRow("CONV_2D", [12, 4, 5, 2, 3, 8, 1, 14400]),
      formatRow("CONV_2D_GROUP", [5, 8, 5, 1, 3, 6, 2, 10800]),
      formatRow("DEPTHWISE_CONV_2D", [5, 6, 5, 1, 5, 1, 1, 7500]),
      formatRow("MAX_POOL_2D", [5, 6, 5, 1, 2, "-", "-", 600]),
      formatRow("CONCATENATION", [5, 6, 5, "-", 2, 12, "-", "-"]),
      formatRow("MEAN", [5, 12, 12, "-", 1, "-", "-", 300]),
      formatRow("MEAN", [5, 12, 12, "-", 0, "-", "-", 300]),
      formatRow("FULLY_CONNECTED", ["-", 12, "-", "-", "-", 3, "-", 72]),
    ]);
  });

  test("are compared as multisets", () => {
    expect(compareRows(["a", "b", "a"], ["a", "a", "b"])).toEqual({ missing: [], extra: [] });
    expect(compareRows(["a", "b", "b", "c"], ["a", "a", "a", "b"])).toEqual({
      missing: [{ row: "a", count: 2 }],
      extra: [
        { row: "b", count: 1 },
        { row: "c", count: 1 },
      ],
    });
  });
});

describe("the published tables", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "latlab-published-"));
    mkdirSync(join(folder, "dataset", "cnn"), { recursive: true });
    mkdirSync(join(folder, "dataset", "vit"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const rows = (feature: string) => `model,operation,feature,x|gpu|float\nnet,CONV_2D,"${feature}",1.5\n`;
  const whole =
    "{'Input_shape': '12', 'Input_channel': 4, 'Output_shape': '5', 'Stride': '2', 'Kernel': '3', 'Filter': '8', 'Group': '-', 'FLOPS': '9'}";

  function write(feature: string): void {
    writeFileSync(join(folder, "dataset/cnn/tflite_cnn_real_e2e.csv"), "model,FLOPS,size\nnet,9,70\n");
    writeFileSync(join(folder, "dataset/cnn/tflite_cnn_real_ops_gpu.csv"), rows(feature));
    writeFileSync(join(folder, "dataset/vit/tflite_vit_real_e2e.csv"), "model,FLOPS,size\nvit,5,6\n");
  }

  test.each(["", "dataset/cnn"])("are found from their folder %s", (below) => {
    write(whole);
    const zoo = readPublishedZoo(join(folder, below));
    expect([...zoo.cnn]).toEqual([["net", { flops: 9, bytes: 70 }]]);
    expect([...zoo.vit]).toEqual([["vit", { flops: 5, bytes: 6 }]]);
    expect(zoo.rows.get("net")).toEqual([formatRow("CONV_2D", [12, 4, 5, 2, 3, 8, "-", 9])]);
  });

  test("say what is missing or unreadable", () => {
    expect(() => readPublishedZoo(folder)).toThrow(/holds no tflite_cnn_real_ops_gpu\.csv/);
    write("{'Input_shape': '12'}");
    expect(() => readPublishedZoo(folder)).toThrow(/line 2 of tflite_cnn_real_ops_gpu\.csv holds no op/);
  });
});
