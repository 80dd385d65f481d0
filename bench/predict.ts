import { pathToFileURL } from "node:url";
import { sampleNetwork } from "../src-main/model/searchSpace.ts";
import { mainSubgraph, type Graph } from "../src-main/model/graph.ts";
import { fitPredictor, predictNetwork } from "../src-main/predict/predictor.ts";
import { simulateMeasurement } from "./simulatedDevice.ts";

/** Figures of the prediction benchmark. */
export interface PredictFigures {
  networks: number;
  opsPerNetwork: number;
  /** Networks a second in one thread, every op predicted, features extracted anew from each graph. */
  networksPerSecond: number;
  opsPerSecond: number;
  /** The learner timed; `auto` may hold both learners for a class. */
  learner: string;
}

const learners = ["lasso", "boosting", "auto"] as const;

/** Predicts about a thousand different networks of some hundred ops with each learner, warm. */
export async function benchPredict(): Promise<PredictFigures[]> {
  const measured = Array.from({ length: 45 }, (_, index) => simulateMeasurement(sampleNetwork(1, index), 1));
  const graphs = collectGraphs(300);
  const ops = graphs.reduce((sum, graph) => sum + mainSubgraph(graph).ops.length, 0);
  const figures: PredictFigures[] = [];
  for (const learner of learners) {
    const predictor = await fitPredictor({
      scenario: "bench/1core/float32/tflite",
      networks: measured,
      learner,
      seed: 1,
    });
    const run = () => {
      for (const graph of graphs) predictNetwork(predictor, graph);
    };
    run();
    let rounds = 0;
    const start = performance.now();
    while (performance.now() - start < 2000) {
      run();
      rounds++;
    }
    const seconds = (performance.now() - start) / 1000;
    figures.push({
      networks: graphs.length,
      opsPerNetwork: ops / graphs.length,
      networksPerSecond: (rounds * graphs.length) / seconds,
      opsPerSecond: (rounds * ops) / seconds,
      learner,
    });
  }
  return figures;
}

/** The figures in a few lines. */
export function formatPredictFigures(figures: readonly PredictFigures[]): string {
  const lines = figures.map(
    ({ learner, networksPerSecond, opsPerSecond }) =>
      `  ${learner.padEnd(9)} ${Math.round(networksPerSecond)} networks/s, ${Math.round(opsPerSecond)} ops/s`,
  );
  const { networks, opsPerNetwork } = figures[0]!;
  return [
    `predict: ${networks} networks of ${opsPerNetwork.toFixed(0)} ops on average, one thread, warm, with ops`,
    ...lines,
  ].join("\n");
}

// Sampled networks with 80 ops or more, so that the mean is about a hundred.
function collectGraphs(count: number): Graph[] {
  const graphs: Graph[] = [];
  for (let index = 1000; graphs.length < count; index++) {
    const { graph } = sampleNetwork(1, index);
    if (mainSubgraph(graph).ops.length >= 80) graphs.push(graph);
  }
  return graphs;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  console.log(formatPredictFigures(await benchPredict()));
