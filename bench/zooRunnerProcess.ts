/** Runs networks of the zoo for `ZooRunner`, in a process of its own because TFLite ends the process on some faults. */
import { join } from "node:path";
import { quantizeGraph } from "../src-main/model/quantize.ts";
import { findZooNetwork } from "../src-main/model/zoo/zoo.ts";
import { loadTflite } from "../src-main/profile/tfliteLibrary.ts";
import { runZooNetwork } from "./runZooNetwork.ts";
import type { RunRequest } from "./zooRunner.ts";

const [libraryPath, folder] = process.argv.slice(2) as [string, string];
const library = loadTflite(libraryPath);

process.on("message", ({ name, precision }: RunRequest) => {
  const graph = findZooNetwork(name)!.build();
  const form = precision === "int8" ? quantizeGraph(graph) : graph;
  process.send!(runZooNetwork(library, form, join(folder, `${name}.tflite`)));
});
process.on("disconnect", () => process.exit());
