import { describe, expect, it } from "vitest";
import type { Attributes, AttributeValue } from "../../src-main/model/graph.ts";
import { findOptionTable, listOptionTables, type OptionField } from "../../src-main/model/operatorOptions.ts";
import { operatorCode, operatorCount, operatorName } from "../../src-main/model/operators.ts";
import { readTflite } from "../../src-main/model/tfliteReader.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { network, op, tensor } from "./tfliteGraphs.ts";

describe("operator names", () => {
  it.each([
    [0, "ADD"],
    [3, "CONV_2D"],
    [9, "FULLY_CONNECTED"],
    [25, "SOFTMAX"],
    [32, "CUSTOM"],
    [51, "DELEGATE"],
    [67, "TRANSPOSE_CONV"],
    [98, "LEAKY_RELU"],
    [117, "HARD_SWISH"],
    [126, "BATCH_MATMUL"],
    [127, "PLACEHOLDER_FOR_GREATER_OP_CODES"],
    [140, "REDUCE_ALL"],
    [150, "GELU"],
    [161, "RIGHT_SHIFT"],
    [171, "STABLEHLO_CONVOLUTION"],
    [206, "STABLEHLO_COMPOSITE"],
    [209, "STABLEHLO_CASE"],
  ])("%i is %s", (code, name) => {
    expect(operatorName(code)).toBe(name);
    expect(operatorCode(name)).toBe(code);
  });

  it("are all different, and go back and forth", () => {
    const names = Array.from({ length: operatorCount }, (_, code) => operatorName(code));
    expect(new Set(names).size).toBe(210);
    expect(names.map(operatorCode)).toEqual(names.map((_, code) => code));
  });

  it("number what is newer than this program, and know nothing else", () => {
    expect(operatorName(300)).toBe("BUILTIN_300");
    expect(operatorCode("BUILTIN_300")).toBe(300);
    expect(operatorCode("conv_2d")).toBeNull();
    expect(operatorCode("BUILTIN_")).toBeNull();
  });
});

describe("option tables", () => {
  it("stand at their numbers in the schema's unions", () => {
    const numbers = Object.fromEntries(
      listOptionTables().map(({ name, union, number }) => [name, `${union}.${number}`]),
    );
    expect(numbers).toMatchObject({
      Conv2DOptions: "1.1",
      Pool2DOptions: "1.5",
      FullyConnectedOptions: "1.8",
      AddOptions: "1.11",
      ReshapeOptions: "1.17",
      ReducerOptions: "1.27",
      TransposeConvOptions: "1.49",
      LeakyReluOptions: "1.75",
      HardSwishOptions: "1.91",
      BatchMatMulOptions: "1.101",
      GeluOptions: "1.116",
      RightShiftOptions: "1.126",
      StablehloConcatenateOptions: "2.1",
      DilateOptions: "2.18",
      StablehloCaseOptions: "2.23",
    });
    expect(listOptionTables()).toHaveLength(149);
  });

  it("belong to operators that exist, at most one to each", () => {
    const owners = listOptionTables().flatMap(({ operators }) => operators);
    expect(owners.filter((name) => operatorCode(name) === null)).toEqual([]);
    expect(new Set(owners).size).toBe(owners.length);
  });

  it("are written and read with every field away from its default", () => {
    for (const table of listOptionTables()) {
      if (table.fields.length === 0) continue;
      const attributes: Attributes = {};
      table.fields.forEach((field, slot) => {
        if (field.name) attributes[field.name] = unusual(field, slot);
      });
      for (const operator of table.operators)
        expect(reread(operator, attributes), operator).toEqual(attributes);
    }
  });

  it("are read with the schema's defaults where fields are absent", () => {
    expect(reread("CONV_2D", { strideW: 2 })).toEqual({
      padding: "SAME",
      strideW: 2,
      strideH: 0,
      fusedActivationFunction: "NONE",
      dilationWFactor: 1,
      dilationHFactor: 1,
      quantizedBiasType: "float32",
    });
    expect(reread("ADD", { fusedActivationFunction: "RELU" })).toEqual({
      fusedActivationFunction: "RELU",
      potScaleInt16: true,
    });
    expect(reread("UNIQUE", { idxOutType: "int32" })).toEqual({ idxOutType: "int32" });
  });

  it("are told apart from no options at all", () => {
    expect(reread("RESHAPE", {})).toEqual({});
    expect(reread("RESHAPE", { newShape: null })).toEqual({ newShape: null });
    expect(reread("RESHAPE", { newShape: [] })).toEqual({ newShape: [] });
    expect(reread("LOGISTIC", {})).toEqual({});
  });

  it("of another operator, and values of enumerations newer than this program, survive", () => {
    expect(findOptionTable("MUL")!.name).toBe("MulOptions");
    const foreign = { optionsTable: "AddOptions", fusedActivationFunction: "RELU6", potScaleInt16: false };
    expect(reread("MUL", foreign)).toEqual(foreign);
    expect(reread("MUL", { fusedActivationFunction: 77 })).toEqual({ fusedActivationFunction: 77 });
  });

  it("carry what JSON cannot as text", () => {
    const long = { seed: "-9223372036854775808", seed2: "9007199254740993" };
    expect(reread("RANDOM_UNIFORM", long)).toEqual(long);
    expect(reread("SOFTMAX", { beta: "-Infinity" })).toEqual({ beta: "-Infinity" });
    expect(reread("BUCKETIZE", { boundaries: ["NaN", "1.5"] })).toEqual({ boundaries: ["NaN", "1.5"] });
  });
});

function reread(type: string, attributes: Attributes): Attributes {
  const tensors = [tensor("x", [1]), tensor("y", [1])];
  const graph = network(tensors, [0], [1], [op(type, [0], [1], { attributes })]);
  // Control flow refers to subgraphs, which must be there.
  graph.subgraphs.push(...Array.from({ length: 40 }, () => ({ ...graph.subgraphs[0]!, ops: [] })));
  return readTflite(writeTflite(graph), "reread").subgraphs[0]!.ops[0]!.attributes;
}

function unusual({ type, fallback, values }: OptionField, slot: number): AttributeValue {
  if (values) return values.at(-1)!;
  switch (type) {
    case "bool":
      return fallback === 0;
    case "text":
      return `text ${slot} ✓`;
    case "float":
      return slot + 0.25;
    case "bools":
      return [1, 0, 1];
    case "bytes":
      return [slot, 255, 0];
    case "floats":
      return [slot, -0.5];
    case "ints":
    case "uints":
      return [slot, 7, 30];
    case "longs":
      return [slot, -(2 ** 40)];
    default:
      return slot + 21;
  }
}
