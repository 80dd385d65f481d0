import { featureKeys, formatRow, readFeatures, readTable } from "./publishedRows.ts";

/** One published op of a network with the kernel each phone ran for it. */
export interface PublishedKernelRow {
  model: string;
  /** The op as `describeGraphRow` writes it. */
  row: string;
  /** Line of the file. */
  line: number;
  /** Kernel name by phone. */
  kernels: Map<string, string>;
}

/** The published per-op table of GPUs and the phones it tells kernels of. */
export interface PublishedKernels {
  phones: string[];
  rows: PublishedKernelRow[];
}

const file = "tflite_cnn_real_ops_gpu.csv";

/** Reads which kernel each phone ran for each op from the published data set's folder; throws an Error that names file or line. */
export function readPublishedKernels(folder: string): PublishedKernels {
  const records = readTable(folder, "cnn", file);
  const columns = Object.keys(records[0] ?? {}).filter((column) => column.endsWith("|gpu|kernel"));
  if (columns.length === 0) throw new Error(`${file} has no column of kernels (PHONE|gpu|kernel)`);
  const rows = records.map((record, index): PublishedKernelRow => {
    const { model, operation, feature } = record;
    const values = readFeatures(feature ?? "");
    if (!model || !operation || values.length !== featureKeys.length || values.includes(undefined))
      throw new Error(`line ${index + 2} of ${file} holds no op: ${feature}`);
    const kernels = new Map(columns.map((column) => [column.split("|")[0]!, record[column] ?? ""]));
    return { model, row: formatRow(operation, values as string[]), line: index + 2, kernels };
  });
  return { phones: columns.map((column) => column.split("|")[0]!), rows };
}
