import type { FlatTable, TableList } from "./flatTable.ts";
import { dataTypes, tensorBytes, type ConstantData, type Quantization, type Tensor } from "./graph.ts";

/**
 * Bytes a table holds in its byte vector at `vectorSlot` or, in files beyond 2 GB, after the flatbuffer at the offset and
 * size that lie at `offsetSlot` and the slot after it; a view, null when there are none.
 */
export function readStored(table: FlatTable, vectorSlot: number, offsetSlot: number): Uint8Array | null {
  if (table.countBytes(vectorSlot) > 0) return table.readBytes(vectorSlot);
  const outside = locateOutside(table, offsetSlot);
  return outside ? table.file.bytes.subarray(...outside) : null;
}

function locateOutside(table: FlatTable, offsetSlot: number): [start: number, end: number] | null {
  const offset = table.readUnsignedLong(offsetSlot);
  const size = table.readUnsignedLong(offsetSlot + 1);
  // Writers put 1 there before they know the offset.
  if (offset <= 1n || size === 0n) return null;
  if (offset + size > BigInt(table.file.bytes.length))
    table.fail(`its data of ${size} bytes at byte ${offset} lies outside of the file`);
  return [Number(offset), Number(offset + size)];
}

const bufferData = 0;
const bufferOffset = 1;

/** The buffers of a TFLite file: all checked at once, each opened as one view when something refers to it. */
export class TfliteBuffers {
  private readonly list: TableList | null;
  private readonly constants = new Map<number, ConstantData & { kind: "bytes" }>();

  constructor(model: FlatTable) {
    this.list = model.openTables(4, "buffer", 0);
    for (let index = 0; index < this.count; index++) {
      const table = this.list!.at(index);
      if (table.countBytes(bufferData) === 0) locateOutside(table, bufferOffset);
    }
  }

  private get count(): number {
    return this.list?.count ?? 0;
  }

  /** The constant in a buffer, the same object for everyone who refers to it; null for an empty buffer. */
  read(index: number, referrer: FlatTable): (ConstantData & { kind: "bytes" }) | null {
    const known = this.constants.get(index);
    if (known) return known;
    if (index >= this.count) {
      // Buffer 0 stands for no data at all, also where a file leaves the list out.
      if (index === 0) return null;
      referrer.fail(`it refers to the buffer ${index} of ${this.count}`);
    }
    const bytes = readStored(this.list!.at(index), bufferData, bufferOffset);
    if (!bytes) return null;
    const constant = { kind: "bytes", bytes } as const;
    this.constants.set(index, constant);
    return constant;
  }
}

/** Element types whose constants do not have one size an element. */
const unsized = new Set(["string", "resource", "variant"]);

/** Reads one tensor; its constant is a view. */
export function readTensor(table: FlatTable, buffers: TfliteBuffers): Tensor {
  const code = table.readByte(1);
  const dtype = dataTypes[code];
  if (!dtype) table.fail(`its element type ${code} is not known`);
  const stored = table.readInts(0) ?? [];
  for (const dimension of stored) if (dimension < -1) table.fail(`it has the dimension ${dimension}`);
  const tensor: Tensor = {
    name: table.readText(3) ?? "",
    shape: stored.includes(-1) ? stored.map((dimension) => (dimension === -1 ? 1 : dimension)) : stored,
    dtype,
    data: buffers.read(table.readUnsigned(2), table),
    quantization: readQuantization(table, stored),
    isVariable: table.readBoolean(5),
    sparse: table.openTable(6, "sparsity") !== null,
  };
  if (table.readUnsigned(10) !== 0) table.fail("its constant lies in another file");
  const signature = readSignature(table, stored);
  if (signature) tensor.shapeSignature = signature;
  const bytes = tensorBytes(tensor);
  if (!Number.isSafeInteger(bytes)) table.fail(`its shape ${stored.join("×")} is impossibly large`);
  // The runtime refuses such a constant too; a sparse one holds fewer bytes than its shape.
  const held = tensor.data?.kind === "bytes" ? tensor.data.bytes.length : bytes;
  if (held !== bytes && !tensor.sparse && !unsized.has(dtype))
    table.fail(`its constant has ${held} bytes where its shape needs ${bytes}`);
  return tensor;
}

function readSignature(table: FlatTable, stored: readonly number[]): number[] | null {
  const signature = table.readInts(7);
  // Some converters write −1 into the shape itself.
  const dynamic = signature?.length === stored.length && signature.some((dimension) => dimension < 0);
  if (dynamic) return signature.map((dimension) => (dimension < 0 ? -1 : dimension));
  return stored.includes(-1) ? [...stored] : null;
}

function readQuantization(tensor: FlatTable, shape: readonly number[]): Quantization | null {
  const table = tensor.openTable(4, "quantization");
  if (!table) return null;
  const quantization: Quantization = {
    scales: table.readFloats(2) ?? [],
    zeroPoints: (table.readLongs(3) ?? []).map(Number),
    axis: table.readInt(6),
    min: table.readFloats(0) ?? [],
    max: table.readFloats(1) ?? [],
  };
  const { scales, zeroPoints, axis, min, max } = quantization;
  if (scales.length > 0 && scales.length !== zeroPoints.length)
    tensor.fail(`it has ${scales.length} scales and ${zeroPoints.length} zero points`);
  if (scales.length > 1 && scales.length !== shape[axis])
    tensor.fail(`it has ${scales.length} scales, which is not the length of its dimension ${axis}`);
  // A newer scheme (blocks, several axes) has its parameters elsewhere; the tensor counts as quantised without scales.
  const newer = table.readUnsignedByte(4) !== 0;
  return newer || scales.length + zeroPoints.length + min.length + max.length > 0 ? quantization : null;
}
