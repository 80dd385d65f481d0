import { baseTables } from "./operatorOptionsBase.ts";
import { extendedTables } from "./operatorOptionsExtended.ts";

/** How a field of an options table is stored: a scalar, text, or a vector of scalars. */
export type FieldType =
  | "bool"
  | "byte"
  | "int"
  | "uint"
  | "long"
  | "float"
  | "text"
  | "bools"
  | "bytes"
  | "ints"
  | "uints"
  | "longs"
  | "floats";

/** One field of an options table. */
export interface OptionField {
  /** Attribute name, lower camel case. Empty for a field that the schema has retired: its place stays. */
  name: string;
  type: FieldType;
  /** Value of an absent scalar field; 0, false or absent for most. */
  fallback: number;
  /** Names of an enumeration's values in order. */
  values?: readonly string[];
}

/** An options table of TFLite's schema. */
export interface OptionTable {
  name: string;
  /** Which of the two unions of the schema it is a member of. */
  union: 1 | 2;
  /** Its number in the union. */
  number: number;
  /** Builtin operators it belongs to. */
  operators: readonly string[];
  fields: readonly OptionField[];
}

const unions = [baseTables, extendedTables] as const;
const byOperator = new Map<string, OptionTable>();
const byName = new Map<string, OptionTable>();
for (const table of unions.flat()) {
  byName.set(table.name, table);
  for (const operator of table.operators) byOperator.set(operator, table);
}

/** The options table of a builtin operator, or null for operators that have none. */
export function findOptionTable(operator: string): OptionTable | null {
  return byOperator.get(operator) ?? null;
}

/** The options table of that name in the schema, or null. */
export function findTableByName(name: string): OptionTable | null {
  return byName.get(name) ?? null;
}

/** The options table with this number in one of the schema's two unions, or null for a number newer than this program. */
export function findTableByNumber(union: 1 | 2, number: number): OptionTable | null {
  return unions[union - 1]![number - 1] ?? null;
}

/** All options tables, those of the first union before those of the second. */
export function listOptionTables(): OptionTable[] {
  return unions.flat();
}
