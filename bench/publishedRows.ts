import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import papaparse from "papaparse";

/** What the published data set tells of a network as a whole. */
export interface PublishedNetwork {
  flops: number;
  /** Size of its .tflite file. */
  bytes: number;
}

/** The published facts of networks by name, in the order of the files. */
export interface PublishedZoo {
  cnn: Map<string, PublishedNetwork>;
  vit: Map<string, PublishedNetwork>;
  /** One line a published op of each CNN, written by `formatRow`. */
  rows: Map<string, string[]>;
}

/** The keys of a published op's features, in the order of the files. */
export const featureKeys = [
  "Input_shape",
  "Input_channel",
  "Output_shape",
  "Stride",
  "Kernel",
  "Filter",
  "Group",
  "FLOPS",
] as const;

/** One op as a line that can be compared: its operator and its features in the order of `featureKeys`. */
export function formatRow(operation: string, features: readonly (string | number)[]): string {
  return [operation, ...featureKeys.map((key, index) => `${key}=${features[index]}`)].join(" ");
}

/**
 * Reads the three tables of real networks from the published data set's folder, from `dataset/cnn` and `dataset/vit` in it,
 * from the folder itself or from `cnn` and `vit` beside it; throws an Error that names the missing file or the unreadable line.
 */
export function readPublishedZoo(folder: string): PublishedZoo {
  const rows = new Map<string, string[]>();
  readTable(folder, "cnn", "tflite_cnn_real_ops_gpu.csv").forEach((record, index) => {
    const { model, operation, feature } = record;
    const features = readFeatures(feature ?? "");
    if (!model || !operation || features.some((value) => value === undefined))
      throw new Error(`line ${index + 2} of tflite_cnn_real_ops_gpu.csv holds no op: ${feature}`);
    const list = rows.get(model) ?? [];
    rows.set(model, list);
    list.push(formatRow(operation, features as string[]));
  });
  return {
    cnn: readNetworks(folder, "cnn", "tflite_cnn_real_e2e.csv"),
    vit: readNetworks(folder, "vit", "tflite_vit_real_e2e.csv"),
    rows,
  };
}

function readNetworks(folder: string, kind: string, file: string): Map<string, PublishedNetwork> {
  return new Map(
    readTable(folder, kind, file).map((record, index) => {
      const network = { flops: Number(record["FLOPS"]), bytes: Number(record["size"]) };
      if (!record["model"] || !(network.flops > 0) || !(network.bytes > 0))
        throw new Error(`line ${index + 2} of ${file} holds no network`);
      return [record["model"], network] as const;
    }),
  );
}

/** The values of a published feature dictionary, written as Python prints one: {'Stride': '1', 'Input_channel': 3}. */
export function readFeatures(text: string): (string | undefined)[] {
  const values = new Map(
    [...text.matchAll(/'(\w+)': *'?([^',}]*)'?/g)].map((match) => [match[1]!, match[2]!]),
  );
  return featureKeys.map((key) => values.get(key));
}

/** The records of one published table; throws an Error that names the missing file. */
export function readTable(folder: string, kind: string, file: string): Record<string, string>[] {
  const places = [join(folder, "dataset", kind), join(folder, kind), folder, join(folder, "..", kind)];
  const path = places.map((place) => join(place, file)).find((candidate) => existsSync(candidate));
  if (!path) throw new Error(`${folder} holds no ${file}, nor does dataset/${kind} in it`);
  const { data } = papaparse.parse<Record<string, string>>(readFileSync(path, "utf8"), {
    header: true,
    skipEmptyLines: true,
  });
  return data;
}
