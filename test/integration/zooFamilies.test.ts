/** The smallest network of each family in the real TFLite; `npm run check-zoo` runs all. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runZooNetwork } from "../../bench/runZooNetwork.ts";
import { costGraph } from "../../src-main/model/cost.ts";
import { countElements, mainSubgraph } from "../../src-main/model/graph.ts";
import { quantizeGraph } from "../../src-main/model/quantize.ts";
import { listZoo, zooFamilies, type ZooEntry } from "../../src-main/model/zoo/zoo.ts";
import { countGroupedConvolutions, runsGroups } from "../../src-main/profile/groupSupport.ts";
import { loadTflite, locateTfliteLibrary, type TfliteLibrary } from "../../src-main/profile/tfliteLibrary.ts";

const path = locateTfliteLibrary();

/** The network of a family with the fewest FLOPs. */
function findSmallest(family: string): ZooEntry {
  const sized = listZoo()
    .filter((entry) => entry.family === family)
    .map((entry) => ({ entry, flops: costGraph(entry.build()).flops }));
  return sized.sort((a, b) => a.flops - b.flops)[0]!.entry;
}

describe.skipIf(!path)("the smallest network of each family", () => {
  let library: TfliteLibrary;
  let folder: string;
  beforeAll(() => {
    library = loadTflite(path!);
    folder = mkdtempSync(join(tmpdir(), "latlab-families-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(zooFamilies.map(({ family }) => family))("%s runs in float32 and int8", (family) => {
    const { name, build } = findSmallest(family);
    const float = build();
    const grouped = countGroupedConvolutions(float) > 0 && !runsGroups(library.version());
    for (const graph of [float, quantizeGraph(float)]) {
      const { ran, roundTrip, levels } = runZooNetwork(library, graph, join(folder, `${name}.tflite`));
      expect({ name, ran, roundTrip }).toEqual({
        name,
        ran: grouped ? "groups split" : "as it is",
        roundTrip: true,
      });
      // Logits of drawn weights differ, but for those a last RELU cut off; int8 has 256 numbers for them.
      const [output] = mainSubgraph(graph).outputs.map((index) => mainSubgraph(graph).tensors[index]!);
      const fewest = countElements(output!.shape) / 2;
      expect(levels).toBeGreaterThanOrEqual(graph === float ? fewest : Math.min(fewest, 40));
    }
  });
});
