import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Attributes, Graph, Tensor } from "../../src-main/model/graph.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import {
  loadTflite,
  locateTfliteLibrary,
  TfliteInterpreter,
  type TfliteLibrary,
} from "../../src-main/profile/tfliteLibrary.ts";
import {
  constant,
  densePublished,
  network,
  op,
  readPublished,
  tensor,
  weights,
} from "../unit/tfliteGraphs.ts";

const path = locateTfliteLibrary();

describe.skipIf(!path)("files that TFLite itself runs", () => {
  let library: TfliteLibrary;
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
  beforeAll(() => {
    library = loadTflite(path!);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Outputs of the written graph for random input, which every input tensor receives. */
  function run(
    file: Uint8Array,
    xnnpack = false,
    seed = 1,
  ): { inputs: Float32Array[]; outputs: Float32Array[] } {
    const model = join(folder, `model${seed}.tflite`);
    writeFileSync(model, file);
    const interpreter = new TfliteInterpreter(library, model, {
      threads: 1,
      xnnpack,
      timeNodes: false,
      operatorName,
    });
    try {
      const random = createRandom(seed);
      const inputs: Float32Array[] = [];
      interpreter.fillInputs((bytes) => {
        const values = Float32Array.from({ length: bytes.length / 4 }, () => random.next() * 2 - 1);
        bytes.set(new Uint8Array(values.buffer));
        inputs.push(values);
      });
      interpreter.invoke();
      const outputs = interpreter.readOutputs().map(({ bytes }) => new Float32Array(bytes.buffer));
      return { inputs, outputs };
    } finally {
      interpreter.close();
    }
  }

  function expectClose(actual: Float32Array, expected: ArrayLike<number>): void {
    expect(actual).toHaveLength(expected.length);
    let worst = 0;
    for (let index = 0; index < expected.length; index++)
      worst = Math.max(worst, Math.abs(actual[index]! - expected[index]!));
    expect(worst).toBeLessThan(1e-4);
  }

  /** The constants of a written graph as the file holds them. */
  function weightsOf(file: Uint8Array, index: number): Float32Array {
    const { data } = readTflite(file, "written").subgraphs[0]!.tensors[index]!;
    if (data?.kind !== "bytes") throw new Error("no constant");
    return new Float32Array(data.bytes.slice().buffer);
  }

  interface Convolution {
    input: number[];
    filter: number[];
    output: number[];
    stride: number;
    dilation: number;
    padding: "SAME" | "VALID";
    depthwise?: boolean;
  }

  /** A convolution by its definition, with as many groups as the filter's depth leaves. */
  function convolve(x: Float32Array, w: Float32Array, bias: Float32Array, of: Convolution): number[] {
    const [batch, height, width, channels] = of.input as [number, number, number, number];
    const [, kh, kw] = of.filter as [number, number, number, number];
    const [, outHeight, outWidth, outChannels] = of.output as [number, number, number, number];
    const before = (size: number, out: number, kernel: number) =>
      of.padding === "VALID"
        ? 0
        : Math.max(0, (out - 1) * of.stride + (kernel - 1) * of.dilation + 1 - size) >> 1;
    const [top, left] = [before(height, outHeight, kh), before(width, outWidth, kw)];
    const depth = of.depthwise ? 1 : of.filter[3]!;
    const groups = channels / depth;
    const result: number[] = [];
    for (let n = 0; n < batch; n++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++)
          for (let oc = 0; oc < outChannels; oc++) {
            const group = Math.floor(oc / (outChannels / groups));
            let sum = bias[oc]!;
            for (let ky = 0; ky < kh; ky++)
              for (let kx = 0; kx < kw; kx++) {
                const y = oy * of.stride - top + ky * of.dilation;
                const xx = ox * of.stride - left + kx * of.dilation;
                if (y < 0 || y >= height || xx < 0 || xx >= width) continue;
                for (let ic = 0; ic < depth; ic++) {
                  const value = x[((n * height + y) * width + xx) * channels + group * depth + ic]!;
                  const place = of.depthwise
                    ? (ky * kw + kx) * outChannels + oc
                    : ((oc * kh + ky) * kw + kx) * depth + ic;
                  sum += value * w[place]!;
                }
              }
            result.push(sum);
          }
    return result;
  }

  it.each<[string, Convolution]>([
    [
      "a plain one",
      {
        input: [1, 7, 9, 3],
        filter: [4, 3, 3, 3],
        output: [1, 7, 9, 4],
        stride: 1,
        dilation: 1,
        padding: "SAME",
      },
    ],
    [
      "strides and VALID",
      {
        input: [2, 9, 8, 2],
        filter: [5, 3, 2, 2],
        output: [2, 4, 4, 5],
        stride: 2,
        dilation: 1,
        padding: "VALID",
      },
    ],
    [
      "strides and SAME",
      {
        input: [1, 8, 8, 2],
        filter: [3, 5, 5, 2],
        output: [1, 4, 4, 3],
        stride: 2,
        dilation: 1,
        padding: "SAME",
      },
    ],
    [
      "dilation",
      {
        input: [1, 10, 10, 2],
        filter: [3, 3, 3, 2],
        output: [1, 10, 10, 3],
        stride: 1,
        dilation: 2,
        padding: "SAME",
      },
    ],
    [
      "depthwise",
      {
        input: [1, 6, 5, 4],
        filter: [1, 3, 3, 4],
        output: [1, 6, 5, 4],
        stride: 1,
        dilation: 1,
        padding: "SAME",
        depthwise: true,
      },
    ],
    [
      "depthwise with multiplier 3",
      {
        input: [1, 8, 8, 2],
        filter: [1, 3, 3, 6],
        output: [1, 4, 4, 6],
        stride: 2,
        dilation: 1,
        padding: "SAME",
        depthwise: true,
      },
    ],
  ])("a convolution with %s gives the numbers of its definition", (_, of) => {
    const channels = of.output[3]!;
    const attributes: Attributes = {
      padding: of.padding,
      strideW: of.stride,
      strideH: of.stride,
      fusedActivationFunction: "NONE",
      dilationWFactor: of.dilation,
      dilationHFactor: of.dilation,
    };
    if (of.depthwise) attributes["depthMultiplier"] = channels / of.input[3]!;
    const file = writeTflite(
      network(
        [
          tensor("x", of.input),
          weights("w", of.filter, 3),
          weights("b", [channels], 4),
          tensor("y", of.output),
        ],
        [0],
        [3],
        [op(of.depthwise ? "DEPTHWISE_CONV_2D" : "CONV_2D", [0, 1, 2], [3], { attributes })],
      ),
    );
    const { inputs, outputs } = run(file);
    expectClose(outputs[0]!, convolve(inputs[0]!, weightsOf(file, 1), weightsOf(file, 2), of));
  });

  it("a fully connected layer with RELU6 gives the numbers of its definition", () => {
    const file = writeTflite(
      network(
        [tensor("x", [3, 20]), weights("w", [7, 20], 5, 2), weights("b", [7], 6, 3), tensor("y", [3, 7])],
        [0],
        [3],
        [op("FULLY_CONNECTED", [0, 1, 2], [3], { attributes: { fusedActivationFunction: "RELU6" } })],
      ),
    );
    const { inputs, outputs } = run(file);
    const [w, b] = [weightsOf(file, 1), weightsOf(file, 2)];
    const expected: number[] = [];
    for (let n = 0; n < 3; n++)
      for (let unit = 0; unit < 7; unit++) {
        let sum = b[unit]!;
        for (let index = 0; index < 20; index++) sum += inputs[0]![n * 20 + index]! * w[unit * 20 + index]!;
        expected.push(Math.min(Math.max(sum, 0), 6));
      }
    expect(expected.some((value) => value === 6) && expected.some((value) => value === 0)).toBe(true);
    expectClose(outputs[0]!, expected);
  });

  /** Runs one operator on inputs of these shapes, and further constants. */
  function runOne(
    type: string,
    inputs: number[][],
    output: number[],
    attributes: Attributes = {},
    constants: Tensor[] = [],
  ): { inputs: Float32Array[]; output: Float32Array } {
    const tensors = [
      ...inputs.map((shape, index) => tensor(`x${index}`, shape)),
      ...constants,
      tensor("y", output),
    ];
    const places = tensors.slice(0, -1).map((_, index) => index);
    const graph = network(
      tensors,
      places.slice(0, inputs.length),
      [tensors.length - 1],
      [op(type, places, [tensors.length - 1], { attributes })],
    );
    const result = run(writeTflite(graph));
    return { inputs: result.inputs, output: result.outputs[0]! };
  }

  it.each(["MAX_POOL_2D", "AVERAGE_POOL_2D"])("%s reads its window's width and height apart", (type) => {
    const attributes = { padding: "VALID", strideW: 2, strideH: 1, filterWidth: 2, filterHeight: 3 };
    const { inputs, output } = runOne(type, [[1, 5, 6, 2]], [1, 3, 3, 2], attributes);
    const expected: number[] = [];
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 3; x++)
        for (let c = 0; c < 2; c++) {
          const window: number[] = [];
          for (let dy = 0; dy < 3; dy++)
            for (let dx = 0; dx < 2; dx++) window.push(inputs[0]![((y + dy) * 6 + 2 * x + dx) * 2 + c]!);
          const sum = window.reduce((total, value) => total + value, 0);
          expected.push(type === "MAX_POOL_2D" ? Math.max(...window) : sum / 6);
        }
    expectClose(output, expected);
  });

  it("CONCATENATION joins along its axis", () => {
    const { inputs, output } = runOne(
      "CONCATENATION",
      [
        [1, 2, 2],
        [1, 2, 3],
      ],
      [1, 2, 5],
      { axis: 2 },
    );
    const [a, b] = inputs as [Float32Array, Float32Array];
    expectClose(output, [a[0]!, a[1]!, b[0]!, b[1]!, b[2]!, a[2]!, a[3]!, b[3]!, b[4]!, b[5]!]);
  });

  it("ADD, SUB, MUL and DIV do what they say, with a fused RELU", () => {
    const fused = { fusedActivationFunction: "RELU" };
    const sums: Record<string, (a: number, b: number) => number> = {
      ADD: (a, b) => a + b,
      SUB: (a, b) => a - b,
      MUL: (a, b) => a * b,
      DIV: (a, b) => a / b,
    };
    for (const [type, sum] of Object.entries(sums)) {
      const { inputs, output } = runOne(
        type,
        [
          [4, 5],
          [4, 5],
        ],
        [4, 5],
        fused,
      );
      const expected = Array.from(inputs[0]!, (a, index) => Math.max(0, sum(a, inputs[1]![index]!)));
      const relative = Array.from(output, (value, index) => value / Math.max(1, expected[index]!));
      expectClose(
        Float32Array.from(relative),
        expected.map((value) => value / Math.max(1, value)),
      );
    }
  });

  it("MEAN averages over its axes and keeps them when told", () => {
    const axes = constant("axes", [2], [1, 2], "int32");
    const { inputs, output } = runOne("MEAN", [[1, 3, 4, 2]], [1, 1, 1, 2], { keepDims: true }, [axes]);
    const expected = [0, 0];
    inputs[0]!.forEach((value, index) => (expected[index % 2]! += value / 12));
    expectClose(output, expected);
  });

  it("attributes reach the runtime: LEAKY_RELU, SOFTMAX, PAD, STRIDED_SLICE, RESIZE_NEAREST_NEIGHBOR, PACK", () => {
    const leaky = runOne("LEAKY_RELU", [[6]], [6], { alpha: 0.25 });
    expectClose(
      leaky.output,
      Array.from(leaky.inputs[0]!, (value) => (value < 0 ? value / 4 : value)),
    );

    const softmax = runOne("SOFTMAX", [[1, 4]], [1, 4], { beta: 2 });
    const powers = Array.from(softmax.inputs[0]!, (value) => Math.exp(2 * value));
    const total = powers.reduce((sum, value) => sum + value, 0);
    expectClose(
      softmax.output,
      powers.map((value) => value / total),
    );

    const padded = runOne("PAD", [[1, 2]], [2, 4], {}, [constant("p", [2, 2], [0, 1, 1, 1], "int32")]);
    expectClose(padded.output, [0, ...padded.inputs[0]!, 0, 0, 0, 0, 0]);

    const ints = (name: string, values: number[]) => constant(name, [values.length], values, "int32");
    const sliced = runOne("STRIDED_SLICE", [[3, 4]], [4], { shrinkAxisMask: 1, endMask: 2 }, [
      ints("begin", [1, 0]),
      ints("end", [2, 0]),
      ints("strides", [1, 1]),
    ]);
    expectClose(sliced.output, sliced.inputs[0]!.subarray(4, 8));

    const resized = runOne("RESIZE_NEAREST_NEIGHBOR", [[1, 1, 2, 1]], [1, 2, 4, 1], {}, [
      ints("size", [2, 4]),
    ]);
    const [a, b] = resized.inputs[0]!;
    expectClose(resized.output, [a!, a!, b!, b!, a!, a!, b!, b!]);

    const packed = runOne("PACK", [[2], [2]], [2, 2], { valuesCount: 2, axis: 1 });
    const [left, right] = packed.inputs as [Float32Array, Float32Array];
    expectClose(packed.output, [left[0]!, right[0]!, left[1]!, right[1]!]);
  });

  it("TRANSPOSE_CONV scatters what a convolution gathers", () => {
    const shape = constant("shape", [4], [1, 6, 6, 2], "int32");
    const filter = weights("w", [2, 3, 3, 3], 9);
    const graph = network(
      [shape, filter, tensor("x", [1, 3, 3, 3]), tensor("y", [1, 6, 6, 2])],
      [2],
      [3],
      [op("TRANSPOSE_CONV", [0, 1, 2], [3], { attributes: { padding: "SAME", strideW: 2, strideH: 2 } })],
    );
    const file = writeTflite(graph);
    const { inputs, outputs } = run(file);
    const w = weightsOf(file, 1);
    const expected = Array<number>(72).fill(0);
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 3; x++)
        for (let ic = 0; ic < 3; ic++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++)
              for (let oc = 0; oc < 2; oc++) {
                // SAME padding of the matching convolution over 6 with stride 2: none before, one after.
                const [oy, ox] = [2 * y + ky, 2 * x + kx];
                if (oy > 5 || ox > 5) continue;
                expected[(oy * 6 + ox) * 2 + oc]! +=
                  inputs[0]![(y * 3 + x) * 3 + ic]! * w[((oc * 3 + ky) * 3 + kx) * 3 + ic]!;
              }
    expectClose(outputs[0]!, expected);
  });

  function branchedNetwork(): Graph {
    const image = { padding: "SAME", strideW: 1, strideH: 1, fusedActivationFunction: "RELU" };
    return network(
      [
        tensor("image", [1, 12, 12, 3]),
        weights("w1", [8, 3, 3, 3], 1),
        weights("b1", [8], 2),
        tensor("stem", [1, 12, 12, 8]),
        weights("w2", [1, 3, 3, 8], 3),
        weights("b2", [8], 4),
        tensor("left", [1, 12, 12, 8]),
        tensor("sum", [1, 12, 12, 8]),
        tensor("joined", [1, 12, 12, 16]),
        constant("axes", [2], [1, 2], "int32"),
        tensor("pooled", [1, 16]),
        weights("w3", [5, 16], 5),
        weights("b3", [5], 6),
        tensor("logits", [1, 5]),
        tensor("probabilities", [1, 5]),
      ],
      [0],
      [14, 7],
      [
        op("CONV_2D", [0, 1, 2], [3], { attributes: image }),
        op("DEPTHWISE_CONV_2D", [3, 4, 5], [6], { attributes: { ...image, depthMultiplier: 1 } }),
        op("ADD", [3, 6], [7], { attributes: { fusedActivationFunction: "NONE" } }),
        op("CONCATENATION", [7, 3], [8], { attributes: { axis: 3 } }),
        op("MEAN", [8, 9], [10], { attributes: { keepDims: false } }),
        op("FULLY_CONNECTED", [10, 11, 12], [13]),
        op("SOFTMAX", [13], [14], { attributes: { beta: 1 } }),
      ],
    );
  }

  it("a network of all of them gives the same numbers with and without XNNPACK", () => {
    const file = writeTflite(branchedNetwork());
    const plain = run(file);
    const fast = run(file, true);
    expect(plain.outputs.map(({ length }) => length)).toEqual([5, 1152]);
    plain.outputs.forEach((output, index) => expectClose(fast.outputs[index]!, output));
    expect(plain.outputs[0]!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  it("and gives the same numbers after it has been read and written again", () => {
    const file = writeTflite(branchedNetwork());
    const again = writeTflite(readTflite(file, "again"));
    expect(run(again).outputs).toEqual(run(file).outputs);
  });

  it.each(densePublished)(
    "%s/%s, read and written, computes what the published file computes",
    (name, file) => {
      const published = readPublished(name, file);
      const original = run(published);
      const rewritten = run(writeTflite(readTflite(published, file)));
      expect(original.outputs.length).toBeGreaterThan(0);
      original.outputs.forEach((output, index) => {
        expect(
          Buffer.compare(Buffer.from(output.buffer), Buffer.from(rewritten.outputs[index]!.buffer)),
        ).toBe(0);
      });
    },
  );
});
