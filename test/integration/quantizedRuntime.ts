import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Graph } from "../../src-main/model/graph.ts";
import { mainSubgraph } from "../../src-main/model/graph.ts";
import { operatorName } from "../../src-main/model/operators.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { TfliteInterpreter, type TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";

/** Runs a network on real inputs (one array for all of its float or int8 inputs) and gives its outputs as real numbers. */
export function runReal(
  library: TfliteLibrary,
  graph: Graph,
  input: (index: number) => number,
  xnnpack = false,
): Float64Array[] {
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
  const path = join(folder, "network.tflite");
  writeFileSync(path, writeTflite(graph));
  const options = { threads: 1, xnnpack, timeNodes: false, operatorName };
  let interpreter: TfliteInterpreter | null = null;
  try {
    interpreter = new TfliteInterpreter(library, path, options);
    const main = mainSubgraph(graph);
    let place = 0;
    interpreter.fillInputs((bytes) => {
      const { dtype, quantization } = main.tensors[main.inputs[place++]!]!;
      if (dtype === "float32") {
        const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) => input(index));
        bytes.set(new Uint8Array(values.buffer));
      } else if (dtype === "int8") {
        const [scale, zeroPoint] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
        for (let index = 0; index < bytes.length; index++)
          bytes[index] = Math.max(-128, Math.min(127, Math.round(input(index) / scale) + zeroPoint));
      } else throw new Error(`no numbers for ${dtype}`);
    });
    interpreter.invoke();
    return interpreter.readOutputs().map(({ bytes }, index) => {
      const { dtype, quantization } = main.tensors[main.outputs[index]!]!;
      if (dtype === "float32") return Float64Array.from(new Float32Array(bytes.buffer));
      if (dtype === "int32") return Float64Array.from(new Int32Array(bytes.buffer));
      if (dtype === "bool") return Float64Array.from(bytes);
      const [scale, zeroPoint] = [quantization!.scales[0]!, quantization!.zeroPoints[0]!];
      return Float64Array.from(new Int8Array(bytes.buffer), (stored) => (stored - zeroPoint) * scale);
    });
  } finally {
    interpreter?.close();
    rmSync(folder, { recursive: true });
  }
}

/** The scale of a network's first output; what its numbers are rounded to. */
export function outputScale(graph: Graph): number {
  const main = mainSubgraph(graph);
  return main.tensors[main.outputs[0]!]!.quantization!.scales[0]!;
}
