import { formatScenario } from "../device/scenario.ts";
import { findPublishedFiles } from "../published/publishedFiles.ts";
import { readPublishedEndToEnd } from "../published/readPublished.ts";

/** Mean absolute deviation of a normal distribution with standard deviation 1. */
const meanDeviation = Math.sqrt(2 / Math.PI);

/**
 * How far a single inference lies from its network's published mean, in percent, by scenario: the mean over networks of the mean
 * absolute deviation that the published standard deviation stands for. An error near it cannot be told from noise. Scenarios
 * without deviations are left out. Rejects with data-unreadable.
 */
export async function readInferenceScatter(
  folder: string,
  networks: ReadonlySet<string>,
): Promise<Map<string, number>> {
  const deviations = new Map<string, number[]>();
  for (const { path, about } of findPublishedFiles(folder).files) {
    if (about.info !== "e2e") continue;
    for await (const { network, scenario, meanMs, stdMs } of readPublishedEndToEnd(path)) {
      if (stdMs === null || !networks.has(network)) continue;
      const id = formatScenario({ ...scenario, device: scenario.phone });
      const list = deviations.get(id);
      if (list) list.push(stdMs / meanMs);
      else deviations.set(id, [stdMs / meanMs]);
    }
  }
  return new Map(
    [...deviations].map(([id, list]) => [
      id,
      (100 * meanDeviation * list.reduce((sum, value) => sum + value, 0)) / list.length,
    ]),
  );
}
