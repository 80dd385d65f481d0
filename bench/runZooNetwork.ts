import { rmSync, writeFileSync } from "node:fs";
import type { Graph } from "../src-main/model/graph.ts";
import { splitGroups } from "../src-main/model/groupSplitting.ts";
import { operatorName } from "../src-main/model/operators.ts";
import { createRandom } from "../src-main/model/random.ts";
import { readTflite } from "../src-main/model/tfliteReader.ts";
import { writeTflite } from "../src-main/model/tfliteWriter.ts";
import { countGroupedConvolutions, explainGroups } from "../src-main/profile/groupSupport.ts";
import { TfliteInterpreter } from "../src-main/profile/tfliteLibrary.ts";
import type { TfliteLibrary } from "../src-main/profile/tfliteLibrary.ts";

/** How a network fared in the real runtime. */
export interface RuntimeVerdict {
  /** Size of the file that was written. */
  fileBytes: number;
  /** What ran: the network as it is, or with its grouped convolutions split; null when neither did. */
  ran: "as it is" | "groups split" | null;
  /** Why it was split or did not run. */
  reason: string | null;
  /** The file read back and written again is the same file. */
  roundTrip: boolean;
}

/**
 * Writes a network to `path`, runs it once by TFLite's builtin kernels on random input and deletes it. Groups are split for
 * runtimes that know none. Outputs must be finite and differ.
 */
export function runZooNetwork(library: TfliteLibrary, graph: Graph, path: string): RuntimeVerdict {
  const file = writeTflite(graph);
  const verdict: RuntimeVerdict = {
    fileBytes: file.length,
    ran: null,
    reason: null,
    roundTrip: Buffer.compare(file, writeTflite(readTflite(file, graph.name))) === 0,
  };
  verdict.reason = explainGroups(countGroupedConvolutions(graph), library.version());
  const split = verdict.reason !== null;
  try {
    writeFileSync(path, split ? writeTflite(splitGroups(graph)) : file);
    runOnce(library, path);
    verdict.ran = split ? "groups split" : "as it is";
  } catch (error) {
    verdict.reason = error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(path, { force: true });
  }
  return verdict;
}

function runOnce(library: TfliteLibrary, path: string): void {
  const interpreter = new TfliteInterpreter(library, path, {
    threads: 1,
    xnnpack: false,
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
    for (const { type, bytes } of interpreter.readOutputs()) {
      const values = type === floatType ? new Float32Array(bytes.buffer) : bytes;
      if (!values.every(Number.isFinite)) throw new Error("an output is not finite");
      // A network whose activations died or saturated gives the same number everywhere.
      if (values.every((value) => value === values[0])) throw new Error("all outputs are the same");
    }
  } finally {
    interpreter.close();
  }
}

const floatType = 1;

function fillFloats(bytes: Uint8Array, draw: () => number): void {
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  for (let index = 0; index < values.length; index++) values[index] = draw();
}
