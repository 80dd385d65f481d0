import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareKernels } from "../../bench/kernelAgreement.ts";
import { readPublishedKernels } from "../../bench/publishedKernels.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Graph } from "../../src-main/model/graph.ts";

// A network and rows of our own, written as the published table writes them.
function buildNet(): Graph {
  const builder = new GraphBuilder("net");
  const y = builder.depthwise(builder.input([1, 10, 10, 8]), 3, { padding: 1, activation: "relu" });
  return builder.build(builder.conv(builder.conv(y, 8, 1), 8, 1, { activation: "relu" }));
}

const feature = (entries: string) =>
  `"{'Input_shape': '${entries.split(" ").join("', '@': '")}'}"`
    .replace("'@'", "'Input_channel'")
    .replace("'@'", "'Output_shape'")
    .replace("'@'", "'Stride'")
    .replace("'@'", "'Kernel'")
    .replace("'@'", "'Filter'")
    .replace("'@'", "'Group'")
    .replace("'@'", "'FLOPS'");

const depthwiseRow = `net,DEPTHWISE_CONV_2D,${feature("12 8 10 1 3 1 1 14400")}`;
const convRow = `net,CONV_2D,${feature("10 8 10 1 1 8 1 12800")}`;
const header = "model,operation,feature,a|gpu|float,a|gpu|kernel,b|gpu|float,b|gpu|kernel";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "latlab-check-kernels-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...lines: string[]) {
  writeFileSync(join(folder, "tflite_cnn_real_ops_gpu.csv"), [header, ...lines, ""].join("\n"));
  return readPublishedKernels(folder);
}

const apple = "depthwise_conv_plus_1x1_conv_1_2_3";
const good = [
  `${depthwiseRow},1,depthwise_convolution_1_linked_:_relu_2,1,${apple}`,
  `${convRow},1,convolution_2d_3,1,${apple}`,
  `${convRow},1,convolution_2d_4_linked_:_relu_5,1,convolution_2d_4_linked_:_relu_5`,
];

describe("kernels against a published table", () => {
  it("agree, rows that share a kernel with it", () => {
    const { phones, rows } = write(...good);
    expect(phones).toEqual(["a", "b"]);
    expect(compareKernels(buildNet(), rows, "a", "Adreno (TM) 640")).toMatchObject({
      rows: 3,
      agreeing: 3,
      sameLinked: 3,
      sameName: 3,
      kernelsRan: 3,
      kernelsDeduced: 3,
      exceptions: [],
    });
    expect(compareKernels(buildNet(), rows, "b", "Apple A10 GPU")).toMatchObject({
      agreeing: 3,
      sameName: 3,
      kernelsRan: 2,
      kernelsDeduced: 2,
    });
  });

  it("differ with what the rule said: class, number of rows to a kernel, linked operations, a missing op", () => {
    const { rows } = write(...good);
    const fused = compareKernels(buildNet(), rows, "b", "Adreno (TM) 640");
    expect(fused.agreeing).toBe(1);
    expect(fused.exceptions.map(({ line, differs, deduced }) => [line, differs, deduced])).toEqual([
      [2, "class", "depthwise_convolution_1_linked_:_relu_2"],
      [3, "class", "convolution_2d_3"],
    ]);
    expect(fused.exceptions[0]!.why.join()).toContain("3×3, stride 1");
    const other = write(
      `${depthwiseRow},1,depthwise_convolution_1,1,x_1`,
      `${convRow},1,convolution_2d_3,1,x_1`,
      `${convRow},1,convolution_2d_3,1,x_1`,
      `${convRow},1,convolution_2d_9,1,x_1`,
    );
    const { agreeing, exceptions } = compareKernels(buildNet(), other.rows, "a", "Adreno (TM) 640");
    expect(agreeing).toBe(1);
    expect(exceptions.map(({ differs }) => differs)).toEqual(["linked", "count", "count", "class"]);
    expect(exceptions[3]).toMatchObject({ deduced: null, why: ["the zoo's graph has no such op"] });
    expect(compareKernels(null, other.rows, "a", "Adreno (TM) 640").agreeing).toBe(0);
  });

  it("need a table with kernels", () => {
    expect(() => readPublishedKernels(folder)).toThrow("tflite_cnn_real_ops_gpu.csv");
    expect(() => write("net,CONV_2D,nothing,1,k,1,k")).toThrow("line 2");
    writeFileSync(join(folder, "tflite_cnn_real_ops_gpu.csv"), "model,operation,feature\nnet,CONV_2D,x\n");
    expect(() => readPublishedKernels(folder)).toThrow("no column of kernels");
  });
});
