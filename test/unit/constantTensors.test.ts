import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { findConstantTensors } from "../../src-main/model/constantTensors.ts";
import { countElements, mainSubgraph } from "../../src-main/model/graph.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { createFacts, readFacts } from "../../src-main/predict/facts.ts";

// Its weights are float16 constants, each behind a DEQUANTIZE.
const path = join(
  dirname(createRequire(import.meta.url).resolve("@mediapipe/face_detection/package.json")),
  "face_detection_short_range.tflite",
);
const subgraph = mainSubgraph(readTflite(readFileSync(path), path));

describe("constant tensors", () => {
  it("include those converted from constants, not what is computed", () => {
    const constant = findConstantTensors(subgraph);
    for (const op of subgraph.ops) expect(constant[op.outputs[0]!]).toBe(op.type === "DEQUANTIZE" ? 1 : 0);
    for (const input of subgraph.inputs) expect(constant[input]).toBe(0);
  });

  it("are weights to the features of a convolution, and the image alone is its data", () => {
    const facts = createFacts();
    const convolutions = subgraph.ops.filter((op) => op.type === "CONV_2D");
    expect(convolutions.length).toBe(21);
    for (const op of convolutions) {
      const [image, filter, bias] = op.inputs.map((index) => subgraph.tensors[index]!.shape);
      expect(readFacts(facts, subgraph, op)).toBe(true);
      expect(facts.params).toBe(countElements(filter!) + countElements(bias!));
      expect(facts.weightBytes).toBe(4 * facts.params);
      expect([facts.inputs, facts.inChannels]).toEqual([1, image!.at(-1)]);
    }
  });

  it("cost nothing where they are converted: that is done before the first inference", () => {
    const facts = createFacts();
    for (const op of subgraph.ops.filter((candidate) => candidate.type === "DEQUANTIZE")) {
      expect(readFacts(facts, subgraph, op)).toBe(true);
      expect([facts.flops, facts.bytes]).toEqual([0, 0]);
    }
  });
});
