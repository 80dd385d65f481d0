import { beforeAll, describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import type { Value } from "../../src-main/model/graphAssembler.ts";
import { selfAttention } from "../../src-main/model/zoo/attention.ts";
import { layerNorm } from "../../src-main/model/zoo/layerNorm.ts";
import { cutWindows, joinWindows, rollImage } from "../../src-main/model/zoo/shiftedWindows.ts";
import { WindowConstants } from "../../src-main/model/zoo/windowConstants.ts";
import { findZooNetwork } from "../../src-main/model/zoo/zoo.ts";
import { loadTflite, locateTfliteLibrary, type TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";
import { runGraph } from "./runGraph.ts";

const path = locateTfliteLibrary();

function build(shape: number[], body: (builder: GraphBuilder, x: Value) => Value | Value[]): Graph {
  const builder = new GraphBuilder("net");
  return builder.build(body(builder, builder.input(shape, { name: "x" })));
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  let worst = 0;
  for (let index = 0; index < expected.length; index++)
    worst = Math.max(worst, Math.abs(actual[index]! - expected[index]!));
  expect(worst).toBeLessThan(tolerance);
}

/** Rows of a matrix that lies row by row. */
function rowsOf(values: ArrayLike<number>, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    Array.from({ length: width }, (_, column) => values[row * width + column]!),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, index) => value * b[index]!));

describe.skipIf(!path)("transformers in the real TensorFlow Lite", () => {
  let library: TfliteLibrary;
  beforeAll(() => {
    library = loadTflite(path!);
  });

  it("layer norm gives the numbers of its definition", () => {
    const graph = build([2, 3, 8], (builder, x) => layerNorm(builder, x, { epsilon: 0.25 }));
    const { inputs, outputs, constant } = runGraph(library, graph);
    const [gamma, beta] = [constant("layer_norm/gamma"), constant("layer_norm/beta")];
    const expected = rowsOf(inputs[0]!, 8).flatMap((row) => {
      const mean = sum(row) / 8;
      const variance = sum(row.map((value) => (value - mean) ** 2)) / 8;
      return row.map(
        (value, index) => ((value - mean) / Math.sqrt(variance + 0.25)) * gamma[index]! + beta[index]!,
      );
    });
    expectClose(outputs[0]!, expected);
  });

  it("self-attention of two heads gives the numbers of its definition", () => {
    const [tokens, width, heads] = [5, 6, 2];
    const graph = build([1, tokens, width], (builder, x) =>
      selfAttention(builder, { query: x, key: x, value: x }, heads),
    );
    const { inputs, outputs, constant } = runGraph(library, graph);
    const project = (rows: number[][], name: string) => {
      const weights = rowsOf(constant(`${name}/weights`), width);
      const bias = constant(`${name}/bias`);
      return rows.map((row) => weights.map((unit, index) => dot(row, unit) + bias[index]!));
    };
    const x = rowsOf(inputs[0]!, width);
    const [query, key, value] = ["query", "key", "value"].map((name) => project(x, name)) as [
      number[][],
      number[][],
      number[][],
    ];
    const features = width / heads;
    const context = query.map((wanted) =>
      Array.from({ length: heads }, (_, head) => {
        const part = (row: number[]) => row.slice(head * features, (head + 1) * features);
        const powers = key.map((row) => Math.exp(dot(part(wanted), part(row)) / Math.sqrt(features)));
        return Array.from({ length: features }, (_, feature) =>
          sum(powers.map((power, token) => (power / sum(powers)) * part(value[token]!)[feature]!)),
        );
      }).flat(),
    );
    expectClose(outputs[0]!, project(context, "projection").flat());
  });

  it("keys transposed by an operator of their own give the same attention", () => {
    const attend = (transposeKeys: boolean) =>
      runGraph(
        library,
        build([2, 5, 6], (builder, x) =>
          selfAttention(builder, { query: x, key: x, value: x }, 3, { transposeKeys }),
        ),
      ).outputs[0]!;
    expectClose(attend(true), attend(false));
  });

  it("GELU is x times the normal distribution at x", () => {
    const { inputs, outputs } = runGraph(
      library,
      build([500], (builder, x) => builder.gelu(x)),
    );
    // Simpson's rule over the density.
    const normal = (x: number) => {
      const density = (at: number) => Math.exp((-at * at) / 2) / Math.sqrt(2 * Math.PI);
      const steps = Array.from({ length: 101 }, (_, index) => density((x * index) / 100));
      const weights = steps.map((value, index) => value * (index % 100 === 0 ? 1 : index % 2 ? 4 : 2));
      return 0.5 + (x / 300) * sum(weights);
    };
    expectClose(
      outputs[0]!,
      Array.from(inputs[0]!, (x) => x * normal(x)),
    );
  });

  it("SPLIT_V, GATHER, NOT_EQUAL and SELECT_V2 do what they say", () => {
    const graph = build([1, 6], (builder, x) => {
      const [first, rest] = builder.splitSizes(x, [2, 4]);
      const rows = builder.reshape(rest!, [2, 2]);
      const picked = builder.gather(rows, builder.constant("indices", [1, 0, 1], [3], "int32"));
      const differs = builder.compare(
        "NOT_EQUAL",
        builder.gather(rows, builder.constant("one", [1], [1], "int32")),
        rows,
      );
      return [first!, picked, builder.select(differs, rows, builder.scalar(9))];
    });
    const { inputs, outputs } = runGraph(library, graph);
    const [a, b, c, d, e, f] = inputs[0]! as unknown as number[];
    expectClose(outputs[0]!, [a!, b!]);
    expectClose(outputs[1]!, [e!, f!, c!, d!, e!, f!]);
    expectClose(outputs[2]!, [c!, d!, 9, 9]);
  });

  it("windows are squares of the image, and joined they are the image again", () => {
    const graph = build([1, 6, 6, 1], (builder, x) => {
      const windows = cutWindows(builder, x, 3);
      return [windows, joinWindows(builder, windows, 3, 6)];
    });
    const { inputs, outputs } = runGraph(library, graph);
    const image = rowsOf(inputs[0]!, 6);
    const squares = [0, 3].flatMap((top) =>
      [0, 3].map((left) => image.slice(top, top + 3).flatMap((row) => row.slice(left, left + 3))),
    );
    expectClose(outputs[0]!, squares.flat());
    expectClose(outputs[1]!, inputs[0]!);
  });

  it("a rolled image moves up and left, and rolled by the rest it is back", () => {
    const graph = build([1, 5, 5, 1], (builder, x) => {
      const rolled = rollImage(builder, x, 2, "there");
      return [rolled, rollImage(builder, rolled, 3, "back")];
    });
    const { inputs, outputs } = runGraph(library, graph);
    const image = rowsOf(inputs[0]!, 5);
    const expected = image.flatMap((row, y) => row.map((_, x) => image[(y + 2) % 5]![(x + 2) % 5]!));
    expectClose(outputs[0]!, expected);
    expectClose(outputs[1]!, inputs[0]!);
  });

  // 16 windows of 256 tokens are more than the converter folds: the mask is computed by operators.
  it.each([
    { side: 8, window: 4, shift: 2 },
    { side: 6, window: 3, shift: 1 },
    { side: 64, window: 16, shift: 8 },
  ])("the mask of windows of $window shifted by $shift keeps strangers apart", ({ side, window, shift }) => {
    const graph = build([1], (builder, x) => {
      const mask = new WindowConstants(builder, window).mask(side, shift)!;
      return builder.add(mask, x);
    });
    const { inputs, outputs } = runGraph(library, graph);
    // Where a token of the shifted image came from; those of one window see each other when they lay in one before too.
    const origin = (at: number) => (at + shift) % side;
    const near = (a: number, b: number) => Math.abs(origin(a) - origin(b)) < window;
    const count = side / window;
    let wrong = 0;
    outputs[0]!.forEach((value, index) => {
      const [pair, at] = [index % window ** 4, Math.floor(index / window ** 4)];
      const [a, b] = [Math.floor(pair / window ** 2), pair % window ** 2];
      const row = (token: number) => Math.floor(at / count) * window + Math.floor(token / window);
      const column = (token: number) => (at % count) * window + (token % window);
      const together = near(row(a), row(b)) && near(column(a), column(b));
      if (Math.abs(value - inputs[0]![0]! - (together ? 0 : -100)) > 1e-4) wrong++;
    });
    expect(outputs[0]).toHaveLength(count ** 2 * window ** 4);
    expect(wrong).toBe(0);
  });

  it("a large table of position biases is looked up by the offset of two places", () => {
    const [window, heads] = [16, 5];
    const graph = build([1], (builder, x) => {
      const bias = new WindowConstants(builder, window).positionBias(heads);
      return builder.add(bias, x);
    });
    const { inputs, outputs, constant } = runGraph(library, graph);
    const table = constant("position_bias/table");
    const span = 2 * window - 1;
    let wrong = 0;
    outputs[0]!.forEach((value, index) => {
      const [head, pair] = [Math.floor(index / window ** 4), index % window ** 4];
      const [a, b] = [Math.floor(pair / window ** 2), pair % window ** 2];
      const down = Math.floor(a / window) - Math.floor(b / window) + window - 1;
      const right = (a % window) - (b % window) + window - 1;
      const expected = table[(down * span + right) * heads + head]! + inputs[0]![0]!;
      if (Math.abs(value - expected) > 1e-5) wrong++;
    });
    expect(outputs[0]).toHaveLength(heads * window ** 4);
    expect(wrong).toBe(0);
  });

  it("with XNNPACK the logits are the same", () => {
    const graph = findZooNetwork("mobilevit-xx-small")!.build();
    const [plain, fast] = [false, true].map((xnnpack) => runGraph(library, graph, { xnnpack }).outputs[0]!);
    expectClose(fast!, plain!, 1e-3);
  });
});
