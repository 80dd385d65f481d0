import type { FlatTable } from "./flatTable.ts";
import type { AttributeValue, Attributes } from "./graph.ts";
import { findOptionTable, findTableByNumber, type OptionField } from "./operatorOptions.ts";
import { foreignTable } from "./operatorOptionsWriter.ts";

/**
 * Attributes of a builtin op from the options table its file carries: every field by name, absent ones with the schema's
 * default. No attributes when it carries none. A table that is not the operator's own is named under `optionsTable`.
 */
export function readOptions(operator: FlatTable, type: string): Attributes {
  for (const [union, typeSlot, tableSlot] of unionSlots) {
    const number = operator.readUnsignedByte(typeSlot);
    if (number === 0) continue;
    const table = findTableByNumber(union, number);
    if (!table) return { [foreignTable]: `${union === 1 ? "BuiltinOptions" : "BuiltinOptions2"} ${number}` };
    const stored = operator.openTable(tableSlot, table.name);
    if (!stored) continue;
    const attributes: Attributes = {};
    if (findOptionTable(type) !== table) attributes[foreignTable] = table.name;
    table.fields.forEach((field, slot) => {
      if (field.name) attributes[field.name] = readField(stored, slot, field);
    });
    return attributes;
  }
  return {};
}

/** Union of the schema, slot of its type and slot of its table in the operator table. */
const unionSlots = [
  [1, 3, 4],
  [2, 11, 12],
] as const;

function readField(table: FlatTable, slot: number, { type, fallback, values }: OptionField): AttributeValue {
  switch (type) {
    case "bool":
      return table.readBoolean(slot, fallback !== 0);
    case "byte":
      return nameValue(table.readByte(slot, fallback), values);
    case "int":
      return table.readInt(slot, fallback);
    case "uint":
      return nameValue(table.readUnsigned(slot, fallback), values);
    case "long":
      return plainLong(table.readLong(slot, BigInt(fallback)));
    case "float":
      return plainFloat(table.readFloat(slot, fallback));
    case "text":
      return table.readText(slot);
    case "bools":
    case "bytes":
      return table.readByteNumbers(slot);
    case "ints":
      return table.readInts(slot);
    case "uints":
      return table.readUnsigneds(slot);
    case "longs":
      return plainList(table.readLongs(slot), plainLong);
    case "floats":
      return plainList(table.readFloats(slot), plainFloat);
  }
}

// A value newer than this program stays a number, so that the file can be listed and written again.
function nameValue(code: number, values: readonly string[] | undefined): string | number {
  return values?.[code] ?? code;
}

// JSON has neither 64-bit integers nor infinities: what a number cannot carry travels as text.
function plainLong(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function plainFloat(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function plainList<T>(values: T[] | null, plain: (value: T) => number | string): number[] | string[] | null {
  if (!values) return null;
  const list = values.map(plain);
  const numbers = list.filter((value) => typeof value === "number");
  return numbers.length === list.length ? numbers : list.map(String);
}
