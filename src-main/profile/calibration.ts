import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mainSubgraph, type Graph } from "../model/graph.ts";
import { operatorName } from "../model/operators.ts";
import type { Range } from "../model/quantizationScale.ts";
import { createRandom, deriveSeed } from "../model/random.ts";
import { writeTflite } from "../model/tfliteWriter.ts";
import { TfliteInterpreter, type TfliteLibrary } from "./tfliteLibrary.ts";

export interface CalibrationOptions {
  /** Inferences to look at; default 8. */
  samples?: number;
  seed?: number;
  /** Fills a float32 input for an inference; default uniform numbers in ±1. Other inputs stay zero. */
  fill?: (values: Float32Array, sample: number) => void;
}

/** TfLiteType of a float32 tensor. */
const float32Type = 1;

/**
 * The lowest and highest value each float32 activation of a network takes over some inferences in the real runtime, by tensor of
 * the entry subgraph: what `quantizeGraph` takes as calibration. All activations are kept in memory at once. Throws an Error
 * when the runtime refuses the network.
 */
export function calibrateRanges(
  graph: Graph,
  library: TfliteLibrary,
  options: CalibrationOptions = {},
): Map<number, Range> {
  const { samples = 8, seed = 0 } = options;
  const random = createRandom(deriveSeed(seed, "calibration"));
  const fill =
    options.fill ??
    ((values: Float32Array) => {
      for (let index = 0; index < values.length; index++) values[index] = random.next() * 2 - 1;
    });
  const main = mainSubgraph(graph);
  const written = new Set([...main.inputs, ...main.ops.flatMap((op) => op.outputs)]);
  const watched = [...written].filter((index) => main.tensors[index]!.dtype === "float32");
  const open = { ...graph, subgraphs: [{ ...main, outputs: watched }, ...graph.subgraphs.slice(1)] };
  const ranges = new Map<number, Range>();
  const folder = mkdtempSync(join(tmpdir(), "latency-lab-calibration-"));
  const path = join(folder, "network.tflite");
  let interpreter: TfliteInterpreter | null = null;
  try {
    writeFileSync(path, writeTflite(open));
    interpreter = new TfliteInterpreter(library, path, {
      threads: 1,
      xnnpack: false,
      timeNodes: false,
      operatorName,
    });
    for (let sample = 0; sample < samples; sample++) {
      interpreter.fillInputs((bytes, type) => {
        if (type !== float32Type) return;
        const values = new Float32Array(bytes.length / 4);
        fill(values, sample);
        bytes.set(new Uint8Array(values.buffer));
      });
      interpreter.invoke();
      interpreter.readOutputs().forEach(({ bytes }, place) => {
        const index = watched[place]!;
        ranges.set(index, widen(ranges.get(index), new Float32Array(bytes.buffer)));
      });
    }
    return ranges;
  } finally {
    interpreter?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function widen(range: Range | undefined, values: Float32Array): Range {
  let [low, high] = range ?? [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
