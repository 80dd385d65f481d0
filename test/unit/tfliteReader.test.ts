import { describe, expect, it } from "vitest";
import { inspectGraph } from "../../src-main/model/inspect.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { readPublished } from "./tfliteGraphs.ts";
import { rawModel } from "./tfliteRaw.ts";

function countOps(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of graph.subgraphs[0]!.ops) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

describe("files that nobody here wrote", () => {
  it("short-range face detection: 164 ops over a 128×128 image", () => {
    const bytes = readPublished("face_detection", "face_detection_short_range");
    const graph = readTflite(bytes, "models/face_detection_short_range.tflite");
    expect(graph.name).toBe("face_detection_short_range");
    expect(countOps(graph)).toEqual({
      DEQUANTIZE: 74,
      CONV_2D: 21,
      RELU: 17,
      DEPTHWISE_CONV_2D: 16,
      ADD: 16,
      PAD: 11,
      MAX_POOL_2D: 3,
      RESHAPE: 4,
      CONCATENATION: 2,
    });
    const detail = inspectGraph(graph, graph.name, bytes.length);
    expect(detail.ops).toHaveLength(164);
    expect(detail.inputs).toEqual([{ shape: [1, 128, 128, 3], dtype: "float32" }]);
    expect(detail.outputs.map(({ shape }) => shape)).toEqual([
      [1, 896, 16],
      [1, 896, 1],
    ]);
    expect(detail).toMatchObject({
      subgraphs: 1,
      sparse: false,
      quantized: false,
      dynamic: false,
      uncosted: [],
    });
  });

  it("has half-precision weights that DEQUANTIZE makes single", () => {
    const graph = readTflite(readPublished("hands", "hand_landmark_full"), "hand");
    const { tensors, ops } = graph.subgraphs[0]!;
    const dequantized = ops.filter(({ type }) => type === "DEQUANTIZE");
    expect(dequantized).toHaveLength(102);
    for (const { inputs, outputs } of dequantized) {
      const half = tensors[inputs[0]!]!;
      expect(half.dtype).toBe("float16");
      expect(half.data?.kind).toBe("bytes");
      expect(tensors[outputs[0]!]).toMatchObject({ dtype: "float32", shape: half.shape, data: null });
    }
    expect(graph.metadata.map(({ name }) => name)).toEqual([
      "min_runtime_version",
      "reduced_precision_support",
    ]);
  });

  it("notes the sparse constants of the sparse face detection", () => {
    const bytes = readPublished("face_detection", "face_detection_full_range_sparse");
    const graph = readTflite(bytes, "sparse");
    const sparse = graph.subgraphs[0]!.tensors.filter((tensor) => tensor.sparse);
    expect(sparse).toHaveLength(countOps(graph)["DENSIFY"]!);
    expect(inspectGraph(graph, "sparse", bytes.length).sparse).toBe(true);
  });

  it("refers to constants where they lie instead of copying them", () => {
    const bytes = readPublished("hands", "hand_landmark_lite");
    let held = 0;
    for (const { data } of readTflite(bytes, "hand").subgraphs[0]!.tensors) {
      if (data?.kind !== "bytes") continue;
      expect(data.bytes.buffer).toBe(bytes.buffer);
      held += data.bytes.length;
    }
    expect(held / bytes.length).toBeGreaterThan(0.9);
  });

  it.each([
    ["face_detection", "face_detection_short_range"],
    ["face_detection", "face_detection_full_range_sparse"],
    ["hands", "hand_landmark_lite"],
  ] as const)("%s/%s lists as in the golden text", async (name, file) => {
    const bytes = readPublished(name, file);
    await expect(listModel(readTflite(bytes, file), bytes.length)).toMatchFileSnapshot(
      `../golden/inspect-${file}.txt`,
    );
  });
});

/** One line an op: index, operator, shapes, attributes, cost. */
function listModel(graph: Graph, bytes: number): string {
  const detail = inspectGraph(graph, graph.name, bytes);
  const shape = (dimensions: readonly number[]) => dimensions.join("×") || "scalar";
  const lines = detail.ops.map(
    ({ index, op, inputs, outputs, attributes, flops, params, bytes: traffic }) => {
      const stated = Object.entries(attributes).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return [
        `${index} ${op}`,
        `${inputs.map(shape).join(" ")} -> ${outputs.map(shape).join(" ")}`,
        ...stated,
        `flops=${flops} params=${params} bytes=${traffic}`,
      ].join("  ");
    },
  );
  const tensors = (list: typeof detail.inputs) =>
    list.map((one) => `${shape(one.shape)} ${one.dtype}`).join(", ");
  return [
    `${detail.name}: ${detail.description}`,
    `inputs ${tensors(detail.inputs)}`,
    `outputs ${tensors(detail.outputs)}`,
    `flops ${detail.flops} params ${detail.params} bytes ${detail.bytes}`,
    ...lines,
    "",
  ].join("\n");
}

describe("variants of the format", () => {
  const only = (bytes: Uint8Array) => readTflite(bytes, "variant").subgraphs[0]!;

  it("reads the operator from the byte, from the wide field, or from the larger of both", () => {
    const type = (...fields: Parameters<typeof codes>) => only(rawModel(codes(...fields))).ops[0]!;
    const codes =
      (byte: number | null, wide: number | null, version: number | null = null) =>
      () => ({
        codes: [
          [
            byte === null ? null : { byte },
            null,
            version === null ? null : { int: version },
            wide === null ? null : { int: wide },
          ],
        ],
      });
    expect(type(101, null)).toMatchObject({ type: "ABS", custom: false, version: 1 });
    expect(type(null, 101, 3)).toMatchObject({ type: "ABS", version: 3 });
    expect(type(127, 150)).toMatchObject({ type: "GELU" });
    expect(type(101, 0)).toMatchObject({ type: "ABS" });
    expect(type(127, 4000)).toMatchObject({ type: "BUILTIN_4000", custom: false });
  });

  it("names custom operators by their own name", () => {
    const bytes = rawModel((file) => ({ codes: [[{ byte: 32 }, { at: file.text("Fancy") }]] }));
    expect(only(bytes).ops[0]).toMatchObject({ type: "Fancy", custom: true, attributes: {} });
    expect(inspectGraph(readTflite(bytes, "x"), "x", 1).uncosted).toEqual([{ op: "Fancy", count: 1 }]);
  });

  it("names options newer than this program instead of dropping them", () => {
    const bytes = rawModel((file) => ({
      operators: [
        [
          { int: 0 },
          { at: file.ints([0]) },
          { at: file.ints([1]) },
          ...Array<null>(8).fill(null),
          { byte: 99 },
          { at: file.table([]) },
        ],
      ],
    }));
    expect(only(bytes).ops[0]!.attributes).toEqual({ optionsTable: "BuiltinOptions2 99" });
  });

  it("takes a buffer that lies behind the flatbuffer", () => {
    const model = (offset: bigint) =>
      rawModel((file) => ({
        buffers: [[], [null, { long: offset }, { long: 8n }]],
        tensors: [
          [{ at: file.ints([2]) }],
          [{ at: file.ints([2]) }],
          [{ at: file.ints([2]) }, null, { int: 1 }],
        ],
      }));
    const length = model(1000n).length;
    const bytes = new Uint8Array(length + 8);
    bytes.set(model(BigInt(length)));
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8], length);
    expect(only(bytes).tensors[2]!.data).toEqual({
      kind: "bytes",
      bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    });
  });

  it("keeps dynamic dimensions, from the signature or from the shape itself", () => {
    const bytes = rawModel((file) => ({
      tensors: [
        [{ at: file.ints([1, 8]) }, ...Array<null>(6).fill(null), { at: file.ints([-1, 8]) }],
        [{ at: file.ints([-1, 8]) }],
      ],
    }));
    for (const tensor of only(bytes).tensors) {
      expect(tensor.shape).toEqual([1, 8]);
      expect(tensor.shapeSignature).toEqual([-1, 8]);
    }
  });
});
