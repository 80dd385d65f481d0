import { basename } from "node:path";

/** What the name of a published file tells of it: `{framework}_{kind}_{set}_{info}.csv`. */
export interface PublishedFileName {
  /** TensorFlow Lite or PyTorch Mobile. */
  framework: "tflite" | "torch";
  kind: "cnn" | "vit";
  /** Networks of papers, or sampled from a search space. */
  set: "real" | "synthetic";
  /** End-to-end latencies, or those of each operation. */
  info: "e2e" | "ops";
  /** What a per-op file's operations ran on; null end to end. */
  target: "cpu" | "cpu_quant" | "gpu" | null;
}

const pattern = /^(tflite|torch)_(cnn|vit)_(real|synthetic)_(?:e2e|ops_(cpu|cpu_quant|gpu))\.csv$/;

/** Reads the name of a published file; null when it is not one of the data set's. */
export function readFileName(path: string): PublishedFileName | null {
  const match = pattern.exec(basename(path));
  if (!match) return null;
  return {
    framework: match[1] as PublishedFileName["framework"],
    kind: match[2] as PublishedFileName["kind"],
    set: match[3] as PublishedFileName["set"],
    info: match[4] === undefined ? "e2e" : "ops",
    target: (match[4] as PublishedFileName["target"] | undefined) ?? null,
  };
}
