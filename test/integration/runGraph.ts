import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { createRandom } from "../../src-main/model/random.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { TfliteInterpreter, type TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";

/** One inference: the random inputs in ±2, the outputs, and the constants of the file by name. */
export interface GraphRun {
  file: Uint8Array;
  inputs: Float32Array[];
  outputs: Float32Array[];
  constant: (name: string) => Float32Array;
}

/** Writes a graph of float inputs and outputs to a file of its own and runs it once in the real TensorFlow Lite. */
export function runGraph(
  library: TfliteLibrary,
  graph: Graph,
  options: { xnnpack?: boolean } = {},
): GraphRun {
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
  try {
    const path = join(folder, "model.tflite");
    const file = writeTflite(graph);
    writeFileSync(path, file);
    const settings = { threads: 1, xnnpack: options.xnnpack ?? false, timeNodes: false, operatorName };
    const interpreter = new TfliteInterpreter(library, path, settings);
    try {
      const random = createRandom(1);
      const inputs: Float32Array[] = [];
      interpreter.fillInputs((bytes) => {
        const values = Float32Array.from({ length: bytes.length / 4 }, () => 4 * random.next() - 2);
        bytes.set(new Uint8Array(values.buffer));
        inputs.push(values);
      });
      interpreter.invoke();
      const outputs = interpreter.readOutputs().map(({ bytes }) => new Float32Array(bytes.slice().buffer));
      return { file, inputs, outputs, constant: (name) => readConstant(file, name) };
    } finally {
      interpreter.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readConstant(file: Uint8Array, name: string): Float32Array {
  const { tensors } = mainSubgraph(readTflite(file, "written"));
  const data = tensors.find((tensor) => tensor.name === name)?.data;
  if (data?.kind !== "bytes") throw new Error(`the file has no constant ${name}`);
  return new Float32Array(data.bytes.slice().buffer);
}
