import { formatScenario } from "../device/scenario.ts";
import type { Precision } from "../lab/contract.ts";
import { quantizeGraph } from "../model/quantize.ts";
import { findZooNetwork } from "../model/zoo/zoo.ts";
import { readPublishedEndToEnd } from "../published/readPublished.ts";
import { countThreads, listWork, type NetworkWork } from "../predict/workTerms.ts";

/** A network with its end-to-end time on one scenario. */
export interface CpuMeasurement {
  network: string;
  family: string;
  work: NetworkWork;
  measuredMs: number;
}

/** Everything measured end to end on one CPU scenario. */
export interface CpuScenarioData {
  /** E.g. `pixel4/1large/float32/tflite`. */
  scenario: string;
  precision: Precision;
  threads: number;
  networks: CpuMeasurement[];
}

/** The CPU scenarios of end-to-end files, and the networks that were passed over. */
export interface CpuScenarios {
  scenarios: CpuScenarioData[];
  /** Networks of the files that the zoo cannot build: without a graph there is nothing to learn from. */
  skipped: string[];
}

/**
 * Reads the CPU scenarios of published end-to-end files, TensorFlow Lite's only; networks get their graphs from the zoo by name.
 * Rejects with data-unreadable.
 */
export async function readCpuScenarios(
  paths: readonly string[],
  isWanted: (scenario: string) => boolean = () => true,
): Promise<CpuScenarios> {
  const scenarios = new Map<string, CpuScenarioData>();
  const works = new Map<string, NetworkWork>();
  const skipped = new Set<string>();
  for (const path of paths)
    for await (const { network, scenario: place, meanMs } of readPublishedEndToEnd(path)) {
      const { phone, cores, precision, runtime } = place;
      if (runtime !== "tflite") continue;
      const scenario = formatScenario({ device: phone, cores, precision, runtime });
      if (!isWanted(scenario)) continue;
      const entry = findZooNetwork(network);
      if (!entry) {
        skipped.add(network);
        continue;
      }
      const key = `${network} ${precision}`;
      let work = works.get(key);
      if (!work) {
        const graph = entry.build();
        work = listWork(precision === "int8" ? quantizeGraph(graph) : graph, precision);
        works.set(key, work);
      }
      let data = scenarios.get(scenario);
      if (!data) {
        data = { scenario, precision, threads: countThreads(cores), networks: [] };
        scenarios.set(scenario, data);
      }
      data.networks.push({ network, family: entry.family, work, measuredMs: meanMs });
    }
  return { scenarios: [...scenarios.values()], skipped: [...skipped] };
}
