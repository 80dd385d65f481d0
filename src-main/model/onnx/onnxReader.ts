import { onnxUnreadable } from "../../lab/errors.ts";
import type { Graph } from "../graph.ts";
import { ExternalData } from "./externalData.ts";
import { convertNetwork } from "./networkConverter.ts";
import { readOnnxModel } from "./onnxModel.ts";
import { OnnxProblem } from "./onnxProblem.ts";

/**
 * Reads an .onnx file as the graph a converter to TFLite would make of it: images NHWC, batch normalisation and activations in
 * the layers before them, shapes computed. Weights stay views onto `bytes`, which must not change afterwards, or are derived from
 * them when the graph is written. `source` is the file's path or name for messages, `folder` where weights outside of the file lie
 * (null: nowhere). Throws `model-unreadable` that names the node at fault.
 */
export function readOnnx(bytes: Uint8Array, source: string, folder: string | null = null): Graph {
  try {
    const model = readOnnxModel(bytes, new ExternalData(folder));
    const { draft, notes } = convertNetwork(model);
    const name = source.replace(/^.*[/\\]/s, "").replace(/\.onnx$/i, "");
    const origin = [model.producer, `operator set ${model.opsets.get("")}`].filter(Boolean).join(", ");
    return draft.toGraph(name, [`Converted from ONNX (${origin})`, ...new Set(notes)].join("; "));
  } catch (error) {
    if (error instanceof OnnxProblem) throw onnxUnreadable(source, error.message, error.advice);
    throw error;
  }
}
