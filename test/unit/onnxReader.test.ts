import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { mainSubgraph, type Graph } from "../../src-main/model/graph.ts";
import { readOnnx } from "../../src-main/model/onnx/onnxReader.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { externalName, OnnxNetwork } from "./onnxFiles.ts";
import { operatorSet, testNetworks } from "./onnxNetworks.ts";

function find(name: string): OnnxNetwork {
  return testNetworks.find((network) => network.name === name)!.build();
}

/** Operators in order, with the activations fused into them. */
function listOps(graph: Graph): string {
  return mainSubgraph(graph)
    .ops.map(({ type, attributes }) => {
      const fused = attributes["fusedActivationFunction"];
      return fused === undefined || fused === "NONE" ? type : `${type}[${String(fused)}]`;
    })
    .join(" ");
}

/** The one line a file is refused with. */
function refusal(bytes: Uint8Array, folder: string | null = null): string {
  try {
    readOnnx(bytes, "downloads/bad.onnx", folder);
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== "model-unreadable") throw error;
    expect(error.message).toMatch(/^downloads\/bad\.onnx cannot be read as ONNX: .+/);
    expect(error.message).not.toContain("\n");
    return error.message;
  }
  throw new Error("the file was read");
}

describe("an .onnx becomes what a converter to TFLite makes of it", () => {
  // Batch norms and activations are in the layers before them, images NHWC, shapes computed, a pad where padding is not SAME.
  it.each([
    [
      "a residual block",
      "CONV_2D[RELU] PAD MAX_POOL_2D CONV_2D[RELU] CONV_2D CONV_2D ADD[RELU] MEAN FULLY_CONNECTED",
    ],
    [
      "a MobileNet block",
      "CONV_2D[RELU6] CONV_2D[RELU6] DEPTHWISE_CONV_2D[RELU6] CONV_2D ADD PAD DEPTHWISE_CONV_2D[RELU6] MEAN FULLY_CONNECTED SOFTMAX",
    ],
    [
      "squeeze-and-excitation with hard-swish",
      "CONV_2D HARD_SWISH DEPTHWISE_CONV_2D HARD_SWISH MEAN CONV_2D[RELU] CONV_2D[RELU6] MUL MUL CONV_2D",
    ],
    [
      "squeeze-and-excitation with linear layers",
      "CONV_2D MEAN FULLY_CONNECTED[RELU] FULLY_CONNECTED LOGISTIC RESHAPE MUL",
    ],
    ["a channel shuffle", "SPLIT CONV_2D[RELU] CONCATENATION RESHAPE TRANSPOSE RESHAPE CONV_2D"],
    ["a flattened head", "CONV_2D[RELU] MAX_POOL_2D RESHAPE FULLY_CONNECTED[RELU] FULLY_CONNECTED"],
    ["a network from Keras", "CONV_2D[RELU] RESHAPE FULLY_CONNECTED"],
    ["padding computed from the shape", "CONV_2D"],
  ])("%s", (name, ops) => {
    expect(listOps(readOnnx(find(name).encode(), `${name}.onnx`))).toBe(ops);
  });

  it("a transformer block in few operators, its layer norms and attention as operators of their own", () => {
    const graph = readOnnx(find("a transformer block of operator set 17").encode(), "block.onnx");
    const count = (type: string) => mainSubgraph(graph).ops.filter((op) => op.type === type).length;
    const counted = ["FULLY_CONNECTED", "BATCH_MATMUL", "SOFTMAX", "GELU", "SQUARED_DIFFERENCE"].map(count);
    // Joint queries, keys and values; the projection; two of the perceptron; the head.
    expect(counted).toEqual([5, 2, 1, 1, 2]);
  });

  // What was an attribute became an input, what was spelt out an operator: the network is the same. Its padding is that of SAME.
  it.each(Array.from({ length: 18 }, (_, index) => 7 + index))(
    "the same whatever operator set, %i",
    (opset) => {
      expect(listOps(readOnnx(operatorSet(opset).encode(), "net.onnx"))).toBe(
        "CONV_2D[RELU6] SPLIT CONV_2D HARD_SWISH CONCATENATION RESIZE_NEAREST_NEIGHBOR STRIDED_SLICE " +
          "AVERAGE_POOL_2D MEAN SUM RESHAPE FULLY_CONNECTED GELU RESHAPE FULLY_CONNECTED SOFTMAX",
      );
    },
  );

  it.each(testNetworks)("$name, which is written and read again as the same file", ({ name, build }) => {
    const file = writeTflite(readOnnx(build().encode(), `${name}.onnx`));
    expect(Buffer.compare(file, writeTflite(readTflite(file, name)))).toBe(0);
  });

  it("a batch nobody fixed is one image", () => {
    const net = new OnnxNetwork();
    const x = net.input(["batch", 3, 8, 8]);
    const graph = readOnnx(net.output(net.conv(x, [4, 3, 1, 1])).encode(), "any.onnx");
    const { tensors, inputs, outputs } = mainSubgraph(graph);
    expect([inputs[0]!, outputs[0]!].map((index) => tensors[index]!.shape)).toEqual([
      [1, 8, 8, 3],
      [1, 8, 8, 4],
    ]);
  });
});

describe("what cannot be converted is named", () => {
  const convolution = (opset = 17) => {
    const net = new OnnxNetwork(opset);
    return { net, x: net.conv(net.input([1, 3, 8, 8]), [4, 3, 1, 1]) };
  };

  it("operators without a counterpart, all of them and how often", () => {
    const { net, x } = convolution();
    const y = net.node("NonMaxSuppression", [net.node("NonMaxSuppression", [x])]);
    expect(refusal(net.output(net.node("GridSample", [y])).encode())).toMatch(
      /operators that are not supported: (NonMaxSuppression ×2, GridSample ×1|GridSample ×1, NonMaxSuppression ×2)$/,
    );
  });

  it("an attribute that no converter knows, with its node", () => {
    const { net, x } = convolution();
    const y = net.node("Resize", [x, "", net.floats([1, 1, 2, 2], "scales")], { mode: "cubic" });
    expect(refusal(net.output(y).encode())).toMatch(/\/net\/Resize_1.*cubic/);
  });

  it.each([[6], [99]])("operator set %i", (opset) => {
    const { net, x } = convolution(opset);
    expect(refusal(net.output(x).encode())).toMatch(
      new RegExp(`version ${opset} of ONNX's operators; versions \\d+ to \\d+ are known`),
    );
  });

  it("a mask of a dropout that is used", () => {
    const { net, x } = convolution();
    const [kept, mask] = net.nodeOf("Dropout", [x], 2);
    expect(refusal(net.output(net.node("Mul", [kept!, mask!])).encode())).toMatch(/\/net\/Dropout_\d+.*mask/);
  });

  it("a scatter to places that are not there, or while the network runs", () => {
    const scatterTo = (place: number, data: string | null) => {
      const { net, x } = convolution();
      const into = data === null ? x : net.floats([0, 0, 0, 0], data);
      const updates = [net.constant([place], [1, 1]), net.floats([1], "updates")];
      return refusal(net.output(net.node("Add", [x, net.node("ScatterND", [into, ...updates])])).encode());
    };
    expect(scatterTo(4, "zeros")).toMatch(/its index 4 lies outside of 4 elements/);
    expect(scatterTo(0, null)).toMatch(/ScatterND.*only be computed from constants/);
  });

  it("an input that nothing gives", () => {
    const { net, x } = convolution();
    expect(refusal(net.output(net.node("Add", [x, "nowhere"])).encode())).toContain("nowhere");
  });
});

describe("weights outside of the file", () => {
  const stored = () => {
    const net = new OnnxNetwork();
    const x = net.input([1, 2, 4, 4]);
    const weight = net.weight([3, 2, 1, 1], "weight", 1, "external");
    return net.output(net.node("Conv", [x, weight], { kernel_shape: [1, 1] })).encode();
  };

  it("are read from the file's folder, and are missed where there is none", () => {
    const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
    try {
      expect(refusal(stored(), folder)).toContain(externalName);
      expect(refusal(stored())).toContain(externalName);
      const values = Float32Array.of(1, 2, 3, 4, 5, 6);
      writeFileSync(join(folder, externalName), new Uint8Array(values.buffer));
      const graph = readOnnx(stored(), "split.onnx", folder);
      expect(listOps(graph)).toBe("CONV_2D");
      writeFileSync(join(folder, externalName), new Uint8Array(8));
      expect(refusal(stored(), folder)).toContain(externalName);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("never come from outside of the folder", () => {
    const file = Buffer.from(stored());
    const at = file.indexOf(externalName);
    // As long as the name it takes the place of, so that lengths stay right.
    const outside = `../${"x".repeat(externalName.length - 3)}`;
    file.write(outside, at);
    const around = mkdtempSync(join(tmpdir(), "latency-lab-"));
    try {
      const folder = join(around, "models");
      mkdirSync(folder);
      writeFileSync(join(folder, outside), new Uint8Array(24));
      expect(refusal(file, folder)).toContain(outside);
    } finally {
      rmSync(around, { recursive: true });
    }
  });
});

describe("files that are no .onnx", () => {
  it.each([
    ["an empty file", new Uint8Array()],
    ["a text", new TextEncoder().encode("# A model\nDownload it from our site.\n")],
    ["zeros", new Uint8Array(4096)],
    ["ones", new Uint8Array(4096).fill(255)],
  ])("%s", (_, bytes) => {
    refusal(bytes);
  });
});
