import { describe, expect, it } from "vitest";
import { listCpuKernels } from "../../src-main/kernels/cpu.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { sampleNetwork } from "../../src-main/model/searchSpace.ts";

function classesOf(
  build: (b: GraphBuilder, x: ReturnType<GraphBuilder["input"]>) => unknown,
): (string | null)[] {
  const builder = new GraphBuilder("net");
  const x = builder.input([1, 16, 16, 8]);
  const y = build(builder, x) as typeof x;
  return listCpuKernels(builder.build(y), "tflite").map((kernel) => kernel.class);
}

describe("kernel classes of a CPU", () => {
  it("tells pointwise, spatial, strided and grouped convolutions apart", () => {
    expect(classesOf((b, x) => b.conv(x, 4, 1))).toEqual(["conv-1x1"]);
    expect(classesOf((b, x) => b.conv(x, 4, 3))).toEqual(["conv"]);
    expect(classesOf((b, x) => b.conv(x, 4, 1, { stride: 2 }))).toEqual(["conv"]);
    expect(classesOf((b, x) => b.conv(x, 4, 3, { groups: 2 }))).toEqual(["conv-grouped"]);
    expect(classesOf((b, x) => b.depthwise(x, 3))).toEqual(["depthwise"]);
  });

  it("tells same shapes, a single number and a repeated operand apart", () => {
    expect(classesOf((b, x) => b.add(x, x))).toEqual(["elementwise-add"]);
    expect(classesOf((b, x) => b.mul(x, b.scalar(2)))).toEqual(["elementwise-mul-scalar"]);
    expect(classesOf((b, x) => b.mul(x, b.globalAveragePool(x, { keepDims: true })))).toEqual([
      "mean",
      "elementwise-mul-broadcast",
    ]);
  });

  it("is one kernel an op in order on tflite, each with a class and a reason", () => {
    for (let index = 0; index < 40; index++) {
      const { graph } = sampleNetwork(5, index);
      const kernels = listCpuKernels(graph, "tflite");
      expect(kernels.map((kernel) => kernel.ops)).toEqual(mainSubgraph(graph).ops.map((_, op) => [op]));
      for (const kernel of kernels) {
        expect(kernel.class).toBeTruthy();
        expect(kernel.why.length).toBeGreaterThan(10);
      }
    }
  });

  it("gives custom, data-dependent and broken ops no class but a reason", () => {
    const graph = oneConvolution();
    const subgraph = mainSubgraph(graph);
    const op = subgraph.ops[0]!;
    const classify = (changed: Partial<typeof op>) => {
      subgraph.ops[0] = { ...op, ...changed };
      return listCpuKernels(graph, "tflite")[0]!;
    };
    expect(classify({ custom: true, type: "TFLite_Detection_PostProcess" })).toMatchObject({
      class: null,
      why: expect.stringContaining("TFLite_Detection_PostProcess"),
    });
    expect(classify({ type: "WHILE" })).toMatchObject({
      class: null,
      why: expect.stringContaining("depends"),
    });
    expect(classify({ type: "LSTM" }).class).toBeNull();
    expect(classify({ inputs: [-1, -1] })).toMatchObject({
      class: null,
      why: expect.stringContaining("shapes"),
    });
    expect(classify({ type: "BUILTIN_900" }).class).toBeNull();
  });

  it("knows that a constant is converted once and an activation each time", () => {
    const graph = oneConvolution();
    const subgraph = mainSubgraph(graph);
    const [input, filter] = subgraph.ops[0]!.inputs;
    const convert = (tensor: number) => {
      subgraph.ops = [{ ...subgraph.ops[0]!, type: "DEQUANTIZE", inputs: [tensor], attributes: {} }];
      return listCpuKernels(graph, "tflite")[0]!.class;
    };
    expect(convert(input!)).toBe("convert");
    expect(convert(filter!)).toBe("convert-once");
  });
});

describe("kernels of XNNPACK", () => {
  function padded(options: { padding: "valid" | "same"; twice?: boolean; channels?: boolean }): Graph {
    const b = new GraphBuilder("net");
    const x = b.input([1, 8, 8, 4]);
    const pad = b.pad(x, [[0, 0], [1, 1], [1, 1], options.channels ? [0, 4] : [0, 0]]);
    const y = b.conv(pad, 4, 3, { padding: options.padding });
    return b.build(options.twice ? [y, b.conv(pad, 4, 3, { padding: "valid" })] : y);
  }
  const opsOf = (graph: Graph) => listCpuKernels(graph, "xnnpack").map((kernel) => kernel.ops);

  it("merges a zero padding of height and width into the convolution that alone reads it", () => {
    expect(opsOf(padded({ padding: "valid" }))).toEqual([[1, 0]]);
    expect(listCpuKernels(padded({ padding: "valid" }), "xnnpack")[0]).toMatchObject({
      class: "conv",
      why: expect.stringContaining("PAD (op 0)"),
    });
    expect(opsOf(padded({ padding: "same" }))).toEqual([[0], [1]]);
    expect(opsOf(padded({ padding: "valid", channels: true }))).toEqual([[0], [1]]);
    expect(opsOf(padded({ padding: "valid", twice: true }))).toEqual([[0], [1], [2]]);
  });

  it("merges a clamp into the kernel that makes its input, unless others read it too", () => {
    const b = new GraphBuilder("net");
    const x = b.input([1, 8, 8, 4]);
    const y = b.conv(x, 4, 3);
    expect(opsOf(b.build(b.relu(y)))).toEqual([[0, 1]]);

    const c = new GraphBuilder("net");
    const sum = c.add(c.input([1, 8, 8, 4]), c.scalar(1));
    expect(opsOf(c.build([c.relu(sum), c.hardSwish(sum)]))).toEqual([[0], [1], [2]]);

    const d = new GraphBuilder("net");
    const first = d.conv(d.input([1, 8, 8, 4]), 4, 3);
    expect(opsOf(d.build([first, d.relu(first)]))).toEqual([[0], [1]]);
  });

  it("merges both sides of one convolution", () => {
    const b = new GraphBuilder("net");
    const pad = b.pad(b.input([1, 8, 8, 4]), [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    expect(opsOf(b.build(b.relu(b.conv(pad, 4, 3, { padding: "valid" }))))).toEqual([[1, 0, 2]]);
  });
});

function oneConvolution(): Graph {
  const builder = new GraphBuilder("net");
  return builder.build(builder.conv(builder.input([1, 8, 8, 4]), 4, 3));
}
