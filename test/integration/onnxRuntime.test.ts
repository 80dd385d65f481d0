import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readOnnx } from "../../src-main/model/onnx/onnxReader.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import {
  loadTflite,
  locateTfliteLibrary,
  TfliteInterpreter,
  type TfliteLibrary,
} from "../../src-main/profile/tfliteLibrary.ts";
import { testNetworks } from "../unit/onnxNetworks.ts";
import { computeReference, type NdArray } from "../unit/onnxReference.ts";

const path = locateTfliteLibrary();

/** An image in the order of the other runtime: axis `order[i]` becomes axis i. */
function turn(array: NdArray, order: readonly number[]): NdArray {
  const [a, b, c, d] = order.map((axis) => array.shape[axis]!) as [number, number, number, number];
  const strides = array.shape.map((_, axis) =>
    array.shape.slice(axis + 1).reduce((product, size) => product * size, 1),
  );
  const steps = order.map((axis) => strides[axis]!) as [number, number, number, number];
  const data: number[] = [];
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++)
        for (let l = 0; l < d; l++)
          data.push(array.data[i * steps[0] + j * steps[1] + k * steps[2] + l * steps[3]]!);
  return { shape: [a, b, c, d], data };
}

describe.skipIf(!path)("networks from ONNX compute in TFLite what ONNX's definitions say", () => {
  let library: TfliteLibrary;
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
  beforeAll(() => {
    library = loadTflite(path!);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(testNetworks)("$name", ({ name, build }) => {
    const network = build();
    const graph = readOnnx(network.encode(), `${name}.onnx`);
    const { tensors, inputs, outputs } = graph.subgraphs[0]!;
    const random = createRandom(7);
    const given = new Map<string, NdArray>();
    const fed: Float32Array[] = [];
    for (const index of inputs) {
      const tensor = tensors[index]!;
      const stated = network.inputs.find((input) => input.name === tensor.name)!;
      const shape = stated.shape!.map((size) => (typeof size === "number" ? size : 1));
      const count = shape.reduce((product, size) => product * size, 1);
      const array = { shape, data: Array.from({ length: count }, () => Math.fround(random.next() * 2 - 1)) };
      given.set(stated.name, array);
      const same = shape.every((size, axis) => size === tensor.shape[axis]);
      fed.push(Float32Array.from((same ? array : turn(array, [0, 2, 3, 1])).data));
    }
    const expected = computeReference(network, given);
    const model = join(folder, `${name.replaceAll(" ", "-")}.tflite`);
    writeFileSync(model, writeTflite(graph));
    for (const xnnpack of [false, true]) {
      const interpreter = new TfliteInterpreter(library, model, {
        threads: 1,
        xnnpack,
        timeNodes: false,
        operatorName,
      });
      try {
        let input = 0;
        interpreter.fillInputs((bytes) => bytes.set(new Uint8Array(fed[input++]!.buffer)));
        interpreter.invoke();
        interpreter.readOutputs().forEach(({ bytes }, index) => {
          const { shape } = tensors[outputs[index]!]!;
          const actual = { shape, data: [...new Float32Array(bytes.slice().buffer)] };
          const wanted = expected[index]!;
          const same =
            shape.length === wanted.shape.length && shape.every((size, axis) => size === wanted.shape[axis]);
          const compared = same ? actual : turn(actual, [0, 3, 1, 2]);
          expect(compared.shape).toEqual(wanted.shape);
          const largest = Math.max(1, ...wanted.data.map(Math.abs));
          const worst = compared.data.reduce(
            (most, value, at) => Math.max(most, Math.abs(value - wanted.data[at]!)),
            0,
          );
          // NaN must not pass.
          expect(
            worst / largest < 1e-4,
            `output ${index} (${network.outputs[index]}) is off by ${worst}`,
          ).toBe(true);
        });
      } finally {
        interpreter.close();
      }
    }
  });
});
