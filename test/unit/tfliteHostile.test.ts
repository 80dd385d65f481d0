import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { everythingGraph } from "./tfliteGraphs.ts";
import { RawFile, rawModel, type RawParts } from "./tfliteRaw.ts";

/** The one line a file is refused with. */
function refusal(bytes: Uint8Array): string {
  try {
    readTflite(bytes, "downloads/bad.tflite");
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== "model-unreadable") throw error;
    expect(error.message).toMatch(/^downloads\/bad\.tflite is not a readable \.tflite file: .+/);
    expect(error.message).not.toContain("\n");
    return error.message;
  }
  throw new Error("the file was read");
}

describe("files that are no .tflite", () => {
  const text = (value: string) => new TextEncoder().encode(value);

  it.each([
    ["an empty file", new Uint8Array(), "the file is empty"],
    ["one byte", Uint8Array.of(0), "identifier TFL3"],
    ["a text", text("# A model\nDownload it from our site.\n"), "identifier TFL3"],
    ["a web page", text("<!DOCTYPE html><html><body>404</body></html>"), "identifier TFL3"],
    ["zeros", new Uint8Array(4096), "identifier TFL3"],
    ["another flatbuffer", new RawFile().finish([{ int: 3 }], "ABCD"), "identifier TFL3"],
    ["nothing but the identifier", Uint8Array.of(8, 0, 0, 0, 84, 70, 76, 51), "outside of the file"],
    ["another version", rawModel(() => ({ version: 2 })), "version 2 of the format, not 3"],
    ["a model without subgraphs", new RawFile().finish([{ int: 3 }]), "no subgraph"],
  ])("%s", (_, bytes, problem) => {
    expect(refusal(bytes)).toContain(problem);
  });
});

describe("references that lead nowhere", () => {
  const patched = (position: number, value: number) => {
    const bytes = rawModel();
    new DataView(bytes.buffer).setInt32(position, value, true);
    return bytes;
  };
  const root = new DataView(rawModel().buffer).getUint32(0, true);

  it.each([
    ["the root behind the end", patched(0, 1_000_000)],
    ["the root at 2^32 − 1", patched(0, -1)],
    ["the root at the last bytes", patched(0, rawModel().length - 2)],
    ["a field list that is its own table", patched(root, 0)],
    ["a field list before the file", patched(root, 1_000_000)],
    ["a field list behind the file", patched(root, -1_000_000)],
  ])("%s", (_, bytes) => {
    expect(refusal(bytes)).toMatch(/lies outside|wrong length|version/);
  });

  it("every field list that is longer than the file, or too short to be one", () => {
    for (const length of [0, 1, 2, 3, 5, 0x7ffe, 0x7fff, 0xfffe, 0xffff]) {
      const bytes = rawModel();
      const view = new DataView(bytes.buffer);
      view.setUint16(root - view.getInt32(root, true), length, true);
      expect(refusal(bytes)).toContain("field list");
    }
  });
});

describe("a table", () => {
  const root = new DataView(rawModel().buffer).getUint32(0, true);

  it("that is longer than the file, or too short to be one, is refused", () => {
    for (const length of [0, 3, 0x7fff, 0xffff]) {
      const bytes = rawModel();
      const view = new DataView(bytes.buffer);
      view.setUint16(root - view.getInt32(root, true) + 2, length, true);
      expect(refusal(bytes)).toContain(`model: the table at byte ${root} has a wrong length`);
    }
  });

  it("with a field outside of it is refused", () => {
    for (const offset of [1, 3, 0x7fff, 0xffff]) {
      const bytes = rawModel();
      const view = new DataView(bytes.buffer);
      view.setUint16(root - view.getInt32(root, true) + 4, offset, true);
      expect(refusal(bytes)).toContain("model: its field 0 lies outside of the table");
    }
  });
});

describe("a vector at the end of the file", () => {
  it("is refused when it is one element longer than the file", () => {
    const bytes = rawModel();
    const view = new DataView(bytes.buffer);
    // The shape both tensors share: one dimension of 2.
    const [count, dimension] = [bytes.length - 8, bytes.length - 4];
    expect([view.getUint32(count, true), view.getUint32(dimension, true)]).toEqual([1, 2]);
    view.setUint32(count, 2, true);
    expect(refusal(bytes)).toContain("has 2 elements, more than the file holds");
    view.setUint32(count, 0, true);
    expect(readTflite(bytes, "scalar").subgraphs[0]!.tensors[0]!.shape).toEqual([]);
  });
});

describe("contents that contradict each other", () => {
  const unary = (file: RawFile, input: number, output: number) => [
    { int: 0 },
    { at: file.ints([input]) },
    { at: file.ints([output]) },
  ];
  const shapes = (file: RawFile, ...list: number[][]) => list.map((shape) => [{ at: file.ints(shape) }]);

  it.each<[string, (file: RawFile) => RawParts, string]>([
    ["an input that is no tensor", () => ({ inputs: [2] }), "subgraph 0: it refers to the tensor 2 of 2"],
    ["an output of −1", () => ({ outputs: [-1] }), "it refers to the tensor -1 of 2"],
    [
      "an op's input beyond the tensors",
      (file) => ({ operators: [unary(file, 9, 1)] }),
      "subgraph 0, operator 0",
    ],
    ["an op's output of −1", (file) => ({ operators: [unary(file, 0, -1)] }), "the tensor -1 of 2"],
    ["an op without an operator", () => ({ codes: [] }), "operator code 0 of 0"],
    ["an operator below 0", () => ({ codes: [[{ byte: -3 }, null, null, { int: -5 }]] }), "the operator -3"],
    [
      "a buffer that is not there",
      (file) => ({ tensors: [[{ at: file.ints([2]) }, null, { int: 7 }]] }),
      "subgraph 0, tensor 0: it refers to the buffer 7 of 1",
    ],
    [
      "an unknown element type",
      (file) => ({ tensors: [[{ at: file.ints([2]) }, { byte: 90 }]] }),
      "element type 90",
    ],
    ["a dimension of −7", (file) => ({ tensors: shapes(file, [-7], [2]) }), "dimension -7"],
    [
      "a shape beyond all memory",
      (file) => ({ tensors: shapes(file, [2 ** 31 - 1, 2 ** 31 - 1, 8], [2]) }),
      "impossibly large",
    ],
    [
      "a constant of another length than its shape",
      (file) => ({
        buffers: [[], [{ at: file.bytes([1, 2, 3]) }]],
        tensors: [...shapes(file, [2], [2]), [{ at: file.ints([2]) }, null, { int: 1 }]],
      }),
      "its constant has 3 bytes where its shape needs 8",
    ],
    [
      "a constant in another file",
      (file) => ({
        tensors: [...shapes(file, [2]), [{ at: file.ints([2]) }, ...Array<null>(9).fill(null), { int: 1 }]],
      }),
      "in another file",
    ],
    [
      "a buffer behind the end",
      () => ({ buffers: [[], [null, { long: 64n }, { long: 2n ** 63n }]] }),
      "lies outside of the file",
    ],
    [
      "a tensor written twice",
      (file) => ({ operators: [unary(file, 0, 1), unary(file, 0, 1)] }),
      "operator 1 (ABS) writes the tensor 1, which is written already",
    ],
    ["an op that writes the input", (file) => ({ operators: [unary(file, 1, 0)] }), "written already"],
    [
      "an op that reads its own output",
      (file) => ({ operators: [unary(file, 1, 1)] }),
      "before the operator 0",
    ],
    [
      "a circle of ops",
      (file) => ({ tensors: shapes(file, [2], [2], [2]), operators: [unary(file, 2, 1), unary(file, 1, 2)] }),
      "reads the tensor 2 before the operator 1 writes it",
    ],
    [
      "control flow into a subgraph that is not there",
      (file) => ({
        codes: [[{ byte: 118 }]],
        operators: [[...unary(file, 0, 1), { byte: 92 }, { at: file.table([{ int: 0 }, { int: 5 }]) }]],
      }),
      "elseSubgraphIndex is 5, of 1",
    ],
  ])("%s", (_, change, problem) => {
    expect(refusal(rawModel(change))).toContain(problem);
  });
});

describe("files that ask for more memory than they hold", () => {
  it.each([2 ** 31, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 28])("vectors of %i elements", (count) => {
    const sound = writeTflite(everythingGraph());
    const view = new DataView(sound.buffer, sound.byteOffset, sound.length);
    let refused = 0;
    for (let position = 8; position + 4 <= sound.length; position += 4) {
      const before = view.getUint32(position, true);
      view.setUint32(position, count, true);
      try {
        readTflite(sound, "x");
      } catch (error) {
        expect((error as LabError).code).toBe("model-unreadable");
        refused++;
      }
      view.setUint32(position, before, true);
    }
    expect(refused).toBeGreaterThan(100);
  });

  const million = 2 ** 20;
  const repeat = <T>(count: number, item: T) => Array<T>(count).fill(item);

  it.each<[string, (file: RawFile) => RawParts]>([
    [
      "ten thousand tensors that share one shape of a million dimensions",
      (file) => {
        const shape = { at: file.ints(repeat(million, 1)) };
        return { tensors: repeat(10_000, [shape]) };
      },
    ],
    [
      "ten thousand tensors that share one name of a megabyte",
      (file) => {
        const name = { at: file.text("x".repeat(million)) };
        return { tensors: repeat(10_000, [null, null, null, name]) };
      },
    ],
    [
      "ten thousand operators that share one list of inputs",
      (file) => {
        const inputs = { at: file.ints(repeat(million, 0)) };
        return { operators: repeat(10_000, [{ int: 0 }, inputs]) };
      },
    ],
    [
      "ten thousand quantisations that share one list of minima",
      (file) => {
        const quantization = { at: file.table([{ at: file.ints(repeat(million, 0)) }]) };
        return { tensors: repeat(10_000, [null, null, null, null, quantization]) };
      },
    ],
  ])("%s", (_, change) => {
    expect(refusal(rawModel(change))).toContain("far more data than the file holds");
  });

  it("a list of a million references to one tensor", () => {
    const file = new RawFile();
    const tensor = file.table([{ byte: 0 }]);
    const tensors = file.tables(repeat(million, tensor));
    const subgraphs = file.tables([file.table([{ at: tensors }])]);
    const bytes = file.finish([{ int: 3 }, null, { at: subgraphs }]);
    expect(refusal(bytes)).toContain("far more data than the file holds");
  });

  it("a list of references to one subgraph, each as large as the file", () => {
    const file = new RawFile();
    const shape = { at: file.ints([1, 2, 3, 4]) };
    const tensors = file.tables(repeat(2000, 0).map(() => file.table([shape])));
    const subgraph = file.table([{ at: tensors }]);
    const bytes = file.finish([{ int: 3 }, null, { at: file.tables(repeat(2000, subgraph)) }]);
    expect(refusal(bytes)).toContain("far more data than the file holds");
  });
});

describe("the memory a process needs", () => {
  it("for a hostile file stays within a few times the file's size", () => {
    const file = new RawFile();
    const shape = { at: file.ints(Array<number>(4 * 2 ** 20).fill(1)) };
    const tensors = file.tables(Array<number>(1000).fill(file.table([shape])));
    const bytes = file.finish([{ int: 3 }, null, { at: file.tables([file.table([{ at: tensors }])]) }]);
    const folder = mkdtempSync(join(tmpdir(), "latency-lab-"));
    try {
      const path = join(folder, "hostile.tflite");
      writeFileSync(path, bytes);
      const reader = new URL("../../src-main/model/tfliteReader.ts", import.meta.url).href;
      // A process of its own: the memory of this one is full of the test's own files.
      const script = `
        import { readFileSync } from "node:fs";
        import { readTflite } from ${JSON.stringify(reader)};
        const bytes = readFileSync(${JSON.stringify(path)});
        const before = process.resourceUsage().maxRSS;
        let code = "read";
        try { readTflite(bytes, "hostile"); } catch (error) { code = error.code; }
        console.log(JSON.stringify({ code, grown: (process.resourceUsage().maxRSS - before) * 1024 }));`;
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8",
      });
      const { code, grown } = JSON.parse(stdout) as { code: string; grown: number };
      expect(code).toBe("model-unreadable");
      expect(grown).toBeLessThan(8 * bytes.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a file cut short", () => {
  it("at every byte is refused or, where only padding went, read", () => {
    const whole = writeTflite(everythingGraph());
    let read = 0;
    for (let length = 0; length < whole.length; length++) {
      try {
        readTflite(whole.subarray(0, length), "cut");
        read++;
      } catch (error) {
        expect((error as LabError).code).toBe("model-unreadable");
      }
    }
    expect(read).toBeLessThan(16);
  });
});
