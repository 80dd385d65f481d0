import type { OpGraph } from "./opGraph.ts";

/**
 * At which resolution each node of a network for pictures works: 0 for that of the input, 1 for half of it in each direction,
 * 2 for a quarter and so on; null for what is left of the picture in no shape, e.g. a classifier.
 *
 * A node belongs to the stage its output is at when that is a picture of the input's proportions, or a sequence of as many
 * tokens as such a picture has places (with up to two further ones, as class and distillation tokens are). Others, e.g. those
 * of squeeze-excite branches and inside of attention, belong where their results next become a picture again.
 */
export function findStages(graph: OpGraph): (number | null)[] {
  const input = graph.nodes.find((node) => node.kind === "input" && isPicture(node.shape));
  if (!input) return graph.nodes.map(() => null);
  const [, height = 1, width = 1] = input.shape;
  const stages: (number | null)[] = graph.nodes.map((node) => readStage(node.shape, height, width));
  // In the order of execution every reader comes later.
  for (let node = graph.nodes.length - 1; node >= 0; node--) {
    if (stages[node] !== null) continue;
    const next = graph.after[node]!.flatMap((reader) => stages[reader] ?? []);
    if (next.length > 0) stages[node] = Math.min(...next);
  }
  return stages;
}

function isPicture(shape: readonly number[]): boolean {
  return shape.length === 4 && shape[1]! > 1 && shape[2]! > 1;
}

function readStage(shape: readonly number[], height: number, width: number): number | null {
  if (shape[0] !== 1) return null;
  if (isPicture(shape)) {
    const [, ownHeight = 1, ownWidth = 1] = shape;
    // An odd size is rounded, so proportions hold within one place.
    const proportional = Math.abs(ownWidth - (ownHeight * width) / height) <= 1;
    return proportional ? countHalvings(height, ownHeight) : null;
  }
  if (shape.length !== 3) return null;
  for (const further of [0, 1, 2]) {
    const places = shape[1]! - further;
    const rows = Math.round(Math.sqrt((places * height) / width));
    if (places > 3 && rows * Math.round((rows * width) / height) === places)
      return countHalvings(height, rows);
  }
  return null;
}

function countHalvings(whole: number, part: number): number {
  return Math.max(0, Math.round(Math.log2(whole / part)));
}

/** A stage as it reads: `1/4` of the input's resolution. */
export function tellStage(stage: number | null): string {
  return stage === null ? "no picture" : stage === 0 ? "1" : `1/${2 ** stage}`;
}
