import type { Builder } from "flatbuffers";
import type { AttributeValue, Attributes, Op } from "./graph.ts";
import { findOptionTable, findTableByName, type OptionField, type OptionTable } from "./operatorOptions.ts";

/** Attribute that names the options table of an op whose file carries another one than its operator's own. */
export const foreignTable = "optionsTable";

/** The options table to write for a builtin op, or null for none; throws an Error for a table that is not known. */
export function chooseOptionTable(op: Op): OptionTable | null {
  const named = op.attributes[foreignTable];
  if (named !== undefined) {
    const table = findTableByName(String(named));
    if (!table) throw new Error(`its options (${String(named)}) are not known`);
    return table;
  }
  const table = findOptionTable(op.type);
  const stated = Object.keys(op.attributes);
  if (!table) {
    if (stated.length > 0) throw new Error(`it has no options but the attribute ${stated[0]!}`);
    return null;
  }
  // Without attributes an op had no options in its file; TFLite tells that apart from a table of defaults.
  return table.fields.length > 0 && stated.length === 0 ? null : table;
}

/** Writes an options table and gives its offset; throws an Error that names the attribute that cannot be stored. */
export function writeOptionTable(builder: Builder, table: OptionTable, attributes: Attributes): number {
  const known = new Set([foreignTable, ...table.fields.map((field) => field.name)]);
  for (const name of Object.keys(attributes))
    if (!known.has(name)) throw new Error(`${table.name} has no attribute ${name}`);
  const values = table.fields.map((field) => (field.name ? attributes[field.name] : undefined));
  // Vectors and texts come before the table that refers to them.
  const offsets = table.fields.map((field, slot) => writeReferenced(builder, field, values[slot]));
  builder.startObject(table.fields.length);
  table.fields.forEach((field, slot) => {
    const value = values[slot];
    if (offsets[slot] !== null) builder.addFieldOffset(slot, offsets[slot]!, 0);
    else if (value !== undefined && value !== null) writeScalar(builder, slot, field, value);
  });
  return builder.endObject();
}

function writeReferenced(
  builder: Builder,
  field: OptionField,
  value: AttributeValue | undefined,
): number | null {
  if (value === undefined || value === null) return null;
  if (field.type === "text") return builder.createString(String(value));
  if (!field.type.endsWith("s")) return null;
  if (!Array.isArray(value)) throw new Error(`the attribute ${field.name} must be a list`);
  const list: readonly (number | string)[] = value;
  const write = vectorWriters[field.type as keyof typeof vectorWriters];
  builder.startVector(write.bytes, list.length, write.bytes);
  for (let index = list.length - 1; index >= 0; index--) write.add(builder, list[index]!);
  return builder.endVector();
}

type AddElement = (builder: Builder, value: number | string) => void;

const addByte: AddElement = (builder, value) => builder.addInt8(Number(value));
const addInt: AddElement = (builder, value) => builder.addInt32(Number(value));

const vectorWriters: Record<"bools" | "bytes" | "ints" | "uints" | "longs" | "floats", VectorWriter> = {
  bools: { bytes: 1, add: addByte },
  bytes: { bytes: 1, add: addByte },
  ints: { bytes: 4, add: addInt },
  uints: { bytes: 4, add: addInt },
  longs: { bytes: 8, add: (builder, value) => builder.addInt64(BigInt(value)) },
  floats: { bytes: 4, add: (builder, value) => builder.addFloat32(Number(value)) },
};

interface VectorWriter {
  bytes: number;
  add: AddElement;
}

function writeScalar(builder: Builder, slot: number, field: OptionField, value: AttributeValue): void {
  const number = scalarCode(field, value);
  switch (field.type) {
    case "bool":
    case "byte":
      return builder.addFieldInt8(slot, number, field.fallback);
    case "int":
    case "uint":
      return builder.addFieldInt32(slot, number, field.fallback);
    case "long":
      return builder.addFieldInt64(slot, BigInt(value as number | string), BigInt(field.fallback));
    default:
      return builder.addFieldFloat32(slot, number, field.fallback);
  }
}

function scalarCode(field: OptionField, value: AttributeValue): number {
  if (Array.isArray(value)) throw new Error(`the attribute ${field.name} must not be a list`);
  if (field.values && typeof value === "string") {
    const code = field.values.indexOf(value);
    if (code < 0) throw new Error(`the attribute ${field.name} cannot be ${value}`);
    return code;
  }
  const number = Number(value);
  if (Number.isNaN(number) && value !== "NaN")
    throw new Error(`the attribute ${field.name} cannot be ${String(value)}`);
  return number;
}
