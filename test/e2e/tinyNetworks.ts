import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../src-main/lab/contract.ts";
import { GraphBuilder } from "../../src-main/model/builder.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";

/** Adds `count` networks that run in about a millisecond, each different from the others; gives their names in the library. */
export async function addTinyNetworks(lab: Lab, folder: string, count: number): Promise<string[]> {
  const place = mkdtempSync(join(folder, "tiny-"));
  const paths = Array.from({ length: count }, (_, index) => {
    const builder = new GraphBuilder(`tiny-${index}`, { seed: index + 1, description: "" });
    let x = builder.input([1, 24 + 4 * (index % 5), 24, 3]);
    const width = 4 + 2 * (index % 7);
    x = builder.conv(x, width, 3, { stride: 2, activation: "relu6", name: "stem" });
    for (let block = 0; block <= index % 3; block++) {
      x = builder.within(`block${block}`, () => {
        const y = builder.depthwise(x, 3, { activation: "relu6" });
        return builder.conv(y, width + 4 * block, 1, { activation: "relu6", name: "pointwise" });
      });
    }
    const end = builder.fullyConnected(builder.globalAveragePool(x), 10, { name: "classifier" });
    const path = join(place, `tiny-${index}.tflite`);
    writeFileSync(path, writeTflite(builder.build(end)));
    return path;
  });
  return (await lab.addModels({ paths })).map((model) => model.name);
}
