import { rmSync, writeFileSync } from "node:fs";
import type { Graph } from "../src-main/model/graph.ts";
import { operatorName } from "../src-main/model/operators.ts";
import { createRandom } from "../src-main/model/random.ts";
import { readTflite } from "../src-main/model/tfliteReader.ts";
import { writeTflite } from "../src-main/model/tfliteWriter.ts";
import { TfliteInterpreter } from "../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";

/** How a network fared in the real runtime. */
export interface RuntimeVerdict {
  /** Size of the file that was written. */
  fileBytes: number;
  /** Which kernels ran it; null when none did, and why. */
  ranWith: "builtin" | "xnnpack" | null;
  reason: string | null;
  /** The file read back and written again is the same file. */
  roundTrip: boolean;
}

/**
 * Writes a network to `path`, runs it once in TFLite on random input and deletes it. What the builtin kernels refuse is
 * tried with XNNPACK, because the builtin CONV_2D of TFLite 2.9 knows no groups. Outputs must be finite.
 */
export function runZooNetwork(library: TfliteLibrary, graph: Graph, path: string): RuntimeVerdict {
  const file = writeTflite(graph);
  const verdict: RuntimeVerdict = {
    fileBytes: file.length,
    ranWith: null,
    reason: null,
    roundTrip: Buffer.compare(file, writeTflite(readTflite(file, graph.name))) === 0,
  };
  try {
    writeFileSync(path, file);
    const reasons: string[] = [];
    for (const kernels of ["builtin", "xnnpack"] as const)
      try {
        runOnce(library, path, kernels === "xnnpack");
        verdict.ranWith = kernels;
        break;
      } catch (error) {
        reasons.push(`${kernels}: ${error instanceof Error ? error.message : String(error)}`);
      }
    if (reasons.length > 0) verdict.reason = reasons.join("; ");
    return verdict;
  } finally {
    rmSync(path, { force: true });
  }
}

function runOnce(library: TfliteLibrary, path: string, xnnpack: boolean): void {
  const interpreter = new TfliteInterpreter(library, path, {
    threads: 1,
    xnnpack,
    timeNodes: false,
    operatorName,
  });
  try {
    const random = createRandom(1);
    interpreter.fillInputs((bytes, type) => {
      if (type !== floatType)
        for (let index = 0; index < bytes.length; index++) bytes[index] = random.next() * 256;
      else fillFloats(bytes, () => 2 * random.next() - 1);
    });
    interpreter.invoke();
    for (const { type, bytes } of interpreter.readOutputs())
      if (type === floatType && !new Float32Array(bytes.buffer).every(Number.isFinite))
        throw new Error("an output is not finite");
  } finally {
    interpreter.close();
  }
}

const floatType = 1;

function fillFloats(bytes: Uint8Array, draw: () => number): void {
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let index = 0; index < values.length; index++) values[index] = draw();
}
