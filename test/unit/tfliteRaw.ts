import { Builder } from "flatbuffers";

/** A field of a table under construction: an int, a byte, an unsigned 64-bit number, or what an earlier call has written. */
export type RawField = { int: number } | { byte: number } | { long: bigint } | { at: number } | null;

/** Writes flatbuffers without any of the rules of a .tflite, so that tests can break them. */
export class RawFile {
  readonly builder = new Builder(1024);

  /** A table with these fields by slot. */
  table(fields: readonly RawField[]): number {
    const { builder } = this;
    builder.startObject(fields.length);
    fields.forEach((field, slot) => {
      if (!field) return;
      if ("int" in field) builder.addInt32(field.int);
      else if ("byte" in field) builder.addInt8(field.byte);
      else if ("long" in field) builder.addInt64(field.long);
      else builder.addOffset(field.at);
      builder.slot(slot);
    });
    return builder.endObject();
  }

  tables(offsets: readonly number[]): number {
    this.builder.startVector(4, offsets.length, 4);
    for (const offset of [...offsets].reverse()) this.builder.addOffset(offset);
    return this.builder.endVector();
  }

  ints(values: readonly number[]): number {
    this.builder.startVector(4, values.length, 4);
    for (const value of [...values].reverse()) this.builder.addInt32(value);
    return this.builder.endVector();
  }

  text(value: string): number {
    return this.builder.createString(value);
  }

  bytes(values: readonly number[]): number {
    this.builder.startVector(1, values.length, 16);
    for (const value of [...values].reverse()) this.builder.addInt8(value);
    return this.builder.endVector();
  }

  /** The file of a model table with these fields. */
  finish(model: readonly RawField[], identifier = "TFL3"): Uint8Array {
    this.builder.finish(this.table(model), identifier);
    return this.builder.asUint8Array().slice();
  }
}

/** What a raw model consists of; each part has a plain, sound default. */
export interface RawParts {
  version?: number;
  codes?: readonly (readonly RawField[])[];
  buffers?: readonly (readonly RawField[])[];
  tensors?: readonly (readonly RawField[])[];
  inputs?: readonly number[];
  outputs?: readonly number[];
  operators?: readonly (readonly RawField[])[];
}

/** A model of one subgraph, one operator ABS and two tensors of two floats, with what `change` puts in their place. */
export function rawModel(change: (file: RawFile) => RawParts = () => ({})): Uint8Array {
  const file = new RawFile();
  const shape = file.ints([2]);
  const parts = change(file);
  const operator = () => [{ int: 0 }, { at: file.ints([0]) }, { at: file.ints([1]) }];
  const list = (tables: readonly (readonly RawField[])[]) =>
    ({ at: file.tables(tables.map((fields) => file.table(fields))) }) as const;
  const codes = list(parts.codes ?? [[{ byte: 101 }]]);
  const buffers = list(parts.buffers ?? [[]]);
  const tensors = list(parts.tensors ?? [[{ at: shape }], [{ at: shape }]]);
  const operators = list(parts.operators ?? [operator()]);
  const inputs = { at: file.ints(parts.inputs ?? [0]) };
  const outputs = { at: file.ints(parts.outputs ?? [1]) };
  const subgraphs = list([[tensors, inputs, outputs, operators]]);
  return file.finish([{ int: parts.version ?? 3 }, codes, subgraphs, null, buffers]);
}
