/** The reader of published measurements, on a small cut of our own with the data set's columns. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mergeKernels } from "../../src-main/published/kernelMerging.ts";
import {
  readPublishedEndToEnd,
  readPublishedOps,
  type PublishedLatency,
  type PublishedOp,
} from "../../src-main/published/readPublished.ts";

const folder = mkdtempSync(join(tmpdir(), "published-"));
let files = 0;

function writeCut(name: string, text: string | Uint8Array): string {
  const path = join(mkdtempSync(join(folder, `${files++}-`)), name);
  writeFileSync(path, text);
  return path;
}

async function readLatencies(text: string | Uint8Array, name = "tflite_cnn_real_e2e.csv") {
  const rows: PublishedLatency[] = [];
  for await (const row of readPublishedEndToEnd(writeCut(name, text))) rows.push(row);
  return rows;
}

async function readOps(text: string | Uint8Array, name = "tflite_cnn_real_ops_gpu.csv") {
  const rows: PublishedOp[] = [];
  for await (const row of readPublishedOps(writeCut(name, text))) rows.push(row);
  return rows;
}

const e2eHeader =
  "model,FLOPS,size,red|1large2med|float|mean,red|1large2med|float|std,red|gpu|float|mean,red|gpu|float|std,blue|1small|quant|mean,blue|1small|quant|std";
const opsHeader = "model,operation,feature,red|gpu|float,red|gpu|kernel,blue|gpu|float,blue|gpu|kernel";
const conv = `"{'Input_shape': '8', 'Input_channel': 3, 'Stride': '-', 'FLOPS': '1.5e3'}"`;

describe("end to end", () => {
  it("gives every scenario in the lab's words and milliseconds", async () => {
    const rows = await readLatencies(`${e2eHeader}\r\nnet_a,2000,512,1500.5,12,250,3,9000.0,1\r\n`);
    expect(rows).toEqual([
      {
        network: "net_a",
        line: 2,
        flops: 2000,
        sizeBytes: 512,
        scenario: { phone: "red", cores: "1large+2med", precision: "float32", runtime: "tflite" },
        meanMs: 1.5005,
        stdMs: 0.012,
      },
      expect.objectContaining({
        scenario: { phone: "red", cores: "gpu", precision: "float16", runtime: "gpu-cl" },
        meanMs: 0.25,
      }),
      expect.objectContaining({
        scenario: { phone: "blue", cores: "1small", precision: "int8", runtime: "tflite" },
        meanMs: 9,
      }),
    ]);
  });

  it("knows PyTorch Mobile by the file's name", async () => {
    const rows = await readLatencies(
      "model,red|1large|float|mean\nnet_a,1000\n",
      "torch_vit_synthetic_e2e.csv",
    );
    expect(rows[0]?.scenario.runtime).toBe("torch");
    expect(rows[0]?.flops).toBeNull();
  });

  it("leaves out what was not measured", async () => {
    const rows = await readLatencies(`${e2eHeader}\nnet_a,1,1,,,nan,,5,\n`);
    expect(rows.map(({ scenario, stdMs }) => [scenario.phone, stdMs])).toEqual([["blue", null]]);
  });

  it.each([
    ["the header is another one", "name,time\nx,1\n", "line 1: the header has no column model"],
    [
      "no measurements",
      "model,FLOPS,size\nx,1,2\n",
      "line 1: the header has no column phone|cores|precision|mean",
    ],
    ["a core set that is none", "model,red|big|float|mean\nx,1\n", "line 1, column 2 (red|big|float|mean)"],
    [
      "a precision that is none",
      "model,red|gpu|half|mean\nx,1\n",
      'line 1, column 2 (red|gpu|half|mean): "half"',
    ],
    ["a column twice", "model,red|gpu|float|mean,red|gpu|float|mean\nx,1,1\n", "line 1, column 3"],
    [
      "no number",
      `${e2eHeader}\nnet_a,1,1,1,1,1,1,1,1\nnet_b,1,1,1,1,12x4,1,1,1\n`,
      'line 3, column 6 (red|gpu|float|mean): "12x4" is not a number',
    ],
    [
      "a number below 0",
      `${e2eHeader}\nnet_a,1,1,-4,1,1,1,1,1\n`,
      'line 2, column 4 (red|1large2med|float|mean): "-4"',
    ],
    ["hexadecimal", `${e2eHeader}\nnet_a,1,1,0x10,1,1,1,1,1\n`, "line 2, column 4"],
    ["no time at all", `${e2eHeader}\nnet_a,1,1,0,1,1,1,1,1\n`, "line 2, column 4"],
    [
      "a network twice",
      `${e2eHeader}\nnet_a,1,1,1,1,1,1,1,1\nnet_a,1,1,1,1,1,1,1,1\n`,
      "line 3, column 1 (model): net_a has a row already",
    ],
    [
      "a row cut off",
      `${e2eHeader}\nnet_a,1,1,1,1,1\n`,
      "line 2, column 6: the row has 6 fields, the header 9: is the file cut off?",
    ],
    ["a row too long", `${e2eHeader}\nnet_a,1,1,1,1,1,1,1,1,1\n`, "line 2, column 9: the row has 10 fields"],
    ["a name missing", `${e2eHeader}\n,1,1,1,1,1,1,1,1\n`, "line 2, column 1 (model): a name is missing"],
    ["nothing", "", "it is empty"],
  ])("refuses %s with the place", async (_what, text, message) => {
    await expect(readLatencies(text)).rejects.toMatchObject({
      code: "data-unreadable",
      message: expect.stringContaining(message) as string,
    });
  });

  it("refuses bytes that are no text, other files' names and missing files", async () => {
    const bytes = Buffer.concat([Buffer.from(`${e2eHeader}\nnet_`), Buffer.from([0xff, 0xfe, 0x0a])]);
    await expect(readLatencies(bytes)).rejects.toThrow("not UTF-8");
    await expect(readLatencies(`${e2eHeader}\n`, "times.csv")).rejects.toThrow("its name is not one");
    await expect(readLatencies(`${opsHeader}\n`, "tflite_cnn_real_ops_gpu.csv")).rejects.toThrow("its name");
    const missing = readPublishedEndToEnd(join(folder, "tflite_cnn_real_e2e.csv"));
    await expect(missing.next()).rejects.toThrow("cannot be opened (ENOENT)");
  });
});

describe("per op", () => {
  it("gives the features as numbers and every phone's kernel", async () => {
    const [first, second, third] = await readOps(
      `${opsHeader}\nnet_a,CONV_2D,${conv},100,conv_0_linked_:_relu_1,200,conv_0\nnet_a,MEAN,{},5,mean_2,,\nnet_b,MEAN,{},0,mean_0,7,\n`,
    );
    expect(first).toEqual({
      network: "net_a",
      index: 0,
      line: 2,
      operation: "CONV_2D",
      features: { Input_shape: 8, Input_channel: 3, Stride: null, FLOPS: 1500 },
      perPhone: [
        {
          phone: "red",
          scenario: { phone: "red", cores: "gpu", precision: "float16", runtime: "gpu-cl" },
          kernel: "conv_0_linked_:_relu_1",
          ms: 0.1,
        },
        {
          phone: "blue",
          scenario: { phone: "blue", cores: "gpu", precision: "float16", runtime: "gpu-cl" },
          kernel: "conv_0",
          ms: 0.2,
        },
      ],
    });
    expect(second).toMatchObject({ index: 1, perPhone: [{ phone: "red", ms: 0.005 }] });
    expect(third).toMatchObject({ network: "net_b", index: 0, perPhone: [{ ms: 0 }, { kernel: null }] });
  });

  it("reads per-op times on CPUs, several core sets a phone", async () => {
    const [op] = await readOps(
      "model,operation,feature,red|1large|float,red|4small|float\nnet_a,CONV_2D,{},10,20\n",
      "torch_cnn_real_ops_cpu.csv",
    );
    expect(op?.perPhone.map(({ scenario, ms }) => [scenario.cores, scenario.runtime, ms])).toEqual([
      ["1large", "torch", 0.01],
      ["4small", "torch", 0.02],
    ]);
  });

  it("counts lines inside quotation marks", async () => {
    const text = `${opsHeader}\nnet_a,CONV_2D,"{'a':\n 1}",1,k,1,k\nnet_a,CONV_2D,{},x,k,1,k\n`;
    await expect(readOps(text)).rejects.toThrow("line 4, column 4 (red|gpu|float)");
  });

  it.each([
    [
      "features that are none",
      `${opsHeader}\na,CONV_2D,"{'x': }",1,k,1,k\n`,
      "line 2, column 3 (feature): the features cannot be read at character 7",
    ],
    ["features cut off", `${opsHeader}\na,CONV_2D,"{'x': 1",1,k,1,k\n`, "line 2, column 3 (feature)"],
    [
      "a quotation mark left open",
      `${opsHeader}\na,C,{},1,k,1,k\na,CONV_2D,"{'x': 1},1,k,1,k\n`,
      "line 3: a quotation mark is opened and never closed",
    ],
    [
      "a quotation mark out of place",
      `${opsHeader}\na,C,{},1,k,1,k\na,CONV_2D,"{'x'"y: 1}",1,k,1,k\n`,
      "line 3: a quotation mark stands where none can stand",
    ],
    [
      "a column missing",
      "model,operation,red|gpu|float\na,CONV_2D,1\n",
      "line 1: the header has no column feature",
    ],
    [
      "a network in two places",
      `${opsHeader}\na,C,{},1,k,1,k\nb,C,{},1,k,1,k\na,C,{},1,k,1,k\n`,
      "line 4, column 1 (model): rows of a stand in two places",
    ],
  ])("refuses %s with the place", async (_what, text, message) => {
    await expect(readOps(text)).rejects.toMatchObject({
      code: "data-unreadable",
      message: expect.stringContaining(message) as string,
    });
  });

  it("reads rows that lie across the pieces a file is read in", async () => {
    const rows = 6000;
    const lines = Array.from({ length: rows }, (_, row) => `né${row},CONV_2D,${conv},${row},k_${row},1,k`);
    const ops = await readOps(`${opsHeader}\n${lines.join("\n")}`);
    expect(ops.map(({ network, line }) => [network, line])).toEqual(
      lines.map((_, row) => [`né${row}`, row + 2]),
    );
    expect(ops.every(({ perPhone }, row) => perPhone[0]!.ms === row / 1000)).toBe(true);
  });
});

describe("kernels", () => {
  it("rows that share a kernel's name on a phone are one kernel there", async () => {
    const ops = await readOps(
      `${opsHeader}\na,DEPTHWISE_CONV_2D,{},30,dw_plus_1x1_0_1,10,dw_0\na,CONV_2D,{},34,dw_plus_1x1_0_1,20,conv_1\na,MEAN,{},1,,2,\na,MEAN,{},1,,2,\n`,
    );
    expect(mergeKernels(ops, ({ phone }) => phone === "red")).toEqual([
      { kernel: "dw_plus_1x1_0_1", rows: [0, 1], ms: 0.032 },
      { kernel: null, rows: [2], ms: 0.001 },
      { kernel: null, rows: [3], ms: 0.001 },
    ]);
    expect(mergeKernels(ops, ({ phone }) => phone === "blue").map(({ rows }) => rows)).toEqual([
      [0],
      [1],
      [2],
      [3],
    ]);
  });
});
