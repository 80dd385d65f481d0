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
}

const pattern = /^(tflite|torch)_(cnn|vit)_(real|synthetic)_(e2e|ops_cpu|ops_cpu_quant|ops_gpu)\.csv$/;

/** Reads the name of a published file; null when it is not one of the data set's. */
export function readFileName(path: string): PublishedFileName | null {
  const match = pattern.exec(basename(path));
  if (!match) return null;
  return {
    framework: match[1] as PublishedFileName["framework"],
    kind: match[2] as PublishedFileName["kind"],
    set: match[3] as PublishedFileName["set"],
    info: match[4] === "e2e" ? "e2e" : "ops",
  };
}
