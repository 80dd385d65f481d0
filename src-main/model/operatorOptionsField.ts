import { dataTypes } from "./graph.ts";
import type { FieldType, OptionField, OptionTable } from "./operatorOptions.ts";

/** A field of an options table; `fallback` is the value the schema gives an absent one. */
export function field(name: string, type: FieldType, fallback = 0): OptionField {
  return { name, type, fallback };
}

/** A field that holds one of named values, stored as a byte unless told otherwise; the first is the fallback. */
export function choice(name: string, values: readonly string[], type: "byte" | "uint" = "byte"): OptionField {
  return { name, type, fallback: 0, values };
}

/** A field with an activation fused into the operator. */
export const activation = choice("fusedActivationFunction", [
  "NONE",
  "RELU",
  "RELU_N1_TO_1",
  "RELU6",
  "TANH",
  "SIGN_BIT",
]);

/** A field with the padding scheme of a sliding window. */
export const padding = choice("padding", ["SAME", "VALID"]);

/** A field with an element type, FLOAT32's code 0 unless `fallback` names another. */
export function elementType(name: string, fallback: (typeof dataTypes)[number] = "float32"): OptionField {
  return { name, type: "byte", fallback: dataTypes.indexOf(fallback), values: dataTypes };
}

/** A table before its place in the union is known: its name, its operators separated by blanks, its fields in order. */
export type TableDraft = readonly [name: string, operators: string, ...fields: OptionField[]];

/** Numbers tables by their order in a union of the schema. */
export function numberTables(union: 1 | 2, drafts: readonly TableDraft[]): OptionTable[] {
  return drafts.map(([name, operators, ...fields], index) => ({
    name,
    union,
    number: index + 1,
    operators: operators === "" ? [] : operators.split(" "),
    fields,
  }));
}
