import type { NodeLinks, OpGraph } from "./opGraph.ts";

/** Nodes of a graph drawn as one: a single node, or the folds of a finer level that it stands for. */
export interface Fold {
  /** Stays the same for the same nodes, whichever level they are seen at. */
  id: string;
  /** Nodes of the graph inside, in order of execution. */
  nodes: number[];
  /** The folds it opens into; empty for a single node. */
  parts: Fold[];
}

/** Folds with the edges between them. */
export interface FoldedGraph extends NodeLinks {
  folds: Fold[];
}

/** The most folds one step puts together: more would not read as one thing. */
const mostParts = 12;
const mostLevels = 14;
/** A graph with no more nodes than this need not be folded. */
const fewNodes = 12;

/**
 * A graph at falling detail: every node first, then with chains drawn as one, then blocks of parallel branches, then chains of
 * those, and so on until a dozen is left. Each level's folds are made of whole folds of the level before. A step puts
 * together only what leaves by one node, which all inside lead to; so no cycle can come of it.
 */
export function foldGraph(graph: OpGraph): FoldedGraph[] {
  const levels: FoldedGraph[] = [
    {
      folds: graph.nodes.map((_, node) => ({ id: String(node), nodes: [node], parts: [] })),
      before: graph.before.map((list) => [...list]),
      after: graph.after.map((list) => [...list]),
    },
  ];
  // Chains and branches by turns; feeders are for what neither explains.
  let steps = [groupChains, groupBranches];
  while (levels.length < mostLevels && levels.at(-1)!.folds.length > fewNodes) {
    const finest = levels.at(-1)!;
    let groups: number[][] = [];
    for (const step of [...steps, groupFeeders]) if (groups.length === 0) groups = step(finest, graph);
    if (groups.length === 0) break;
    levels.push(contract(finest, groups));
    steps = steps.toReversed();
  }
  return levels;
}

/** The finest level with at most `most` folds, else the coarsest. */
export function chooseLevel(levels: readonly FoldedGraph[], most: number): number {
  const found = levels.findIndex((level) => level.folds.length <= most);
  return found === -1 ? levels.length - 1 : found;
}

/** A level with some of its folds opened, and those inside as far as they are opened too. */
export function openFolds(
  levels: readonly FoldedGraph[],
  level: number,
  opened: ReadonlySet<string>,
): FoldedGraph {
  const listOpen = (fold: Fold): Fold[] =>
    fold.parts.length > 0 && opened.has(fold.id) ? fold.parts.flatMap(listOpen) : [fold];
  const shown = levels[level]!;
  if (!shown.folds.some((fold) => opened.has(fold.id))) return shown;
  const folds = shown.folds.flatMap(listOpen).sort((a, b) => a.nodes[0]! - b.nodes[0]!);
  return linkFolds(folds, levels[0]!);
}

/** The folds that have to be opened for a node to be seen by itself, outermost first. */
export function findFolds(level: FoldedGraph, node: number): Fold[] {
  const path: Fold[] = [];
  let folds: readonly Fold[] = level.folds;
  for (;;) {
    const fold = folds.find((candidate) => candidate.nodes.includes(node));
    if (!fold || fold.parts.length === 0) return path;
    path.push(fold);
    folds = fold.parts;
  }
}

function isFixed(fold: Fold, graph: OpGraph): boolean {
  return graph.nodes[fold.nodes[0]!]!.kind !== "op";
}

// Runs of folds each of which has one way in, from the one before that has one way out.
function groupChains(level: FoldedGraph, graph: OpGraph): number[][] {
  const { folds, before, after } = level;
  const follows = (place: number): number | null => {
    const [next, ...others] = after[place]!;
    if (next === undefined || others.length > 0 || before[next]!.length !== 1) return null;
    if (isFixed(folds[place]!, graph) || isFixed(folds[next]!, graph)) return null;
    return shrinks(folds[place]!, folds[next]!, graph) ? null : next;
  };
  const next = folds.map((_, place) => follows(place));
  const inside = new Set(next);
  const groups: number[][] = [];
  folds.forEach((_, start) => {
    if (inside.has(start)) return;
    const chain: number[] = [];
    for (let place: number | null = start; place !== null; place = next[place]!) chain.push(place);
    const pieces = Math.ceil(chain.length / mostParts);
    for (let piece = 0; piece < pieces; piece++) {
      const part = chain.slice(
        Math.round((piece * chain.length) / pieces),
        Math.round(((piece + 1) * chain.length) / pieces),
      );
      if (part.length > 1) groups.push(part);
    }
  });
  return groups;
}

// Stages of a network end where the picture gets smaller; folding over that would hide them.
function shrinks(from: Fold, to: Fold, graph: OpGraph): boolean {
  const [, height = 1, width = 1] = graph.nodes[from.nodes.at(-1)!]!.shape;
  const shape = graph.nodes[to.nodes.at(-1)!]!.shape;
  const [, smallHeight = 1, smallWidth = 1] = shape;
  return shape.length === 4 && smallHeight > 1 && smallHeight < height && smallWidth < width;
}

// Parallel branches from one fold with the fold that joins them: residual and inception blocks, squeeze-excite, dense layers.
function groupBranches(level: FoldedGraph, graph: OpGraph): number[][] {
  const { folds, before, after } = level;
  const taken = new Set<number>();
  const groups: number[][] = [];
  folds.forEach((fold, join) => {
    if (before[join]!.length < 2 || isFixed(fold, graph)) return;
    const middles = before[join]!.filter(
      (place) => after[place]!.length === 1 && before[place]!.length === 1,
    );
    const forks = new Set([
      ...middles.map((place) => before[place]![0]!),
      ...before[join]!.filter((place) => !middles.includes(place)),
    ]);
    // A middle may look like a fork of its own where the other branch comes from afar.
    if (forks.size !== 1 || middles.length === 0 || middles.length + 1 > mostParts) return;
    const group = [...middles, join];
    if (group.some((place) => taken.has(place) || isFixed(folds[place]!, graph))) return;
    for (const place of group) taken.add(place);
    groups.push(group.sort((a, b) => a - b));
  });
  return groups;
}

// A fold that only one other reads goes into that one: what scales and adds branches becomes one exchange.
function groupFeeders(level: FoldedGraph, graph: OpGraph): number[][] {
  const { folds, before, after } = level;
  const taken = new Set<number>();
  const groups: number[][] = [];
  folds.forEach((fold, reader) => {
    if (taken.has(reader) || isFixed(fold, graph)) return;
    const feeders = before[reader]!.filter(
      (place) => !taken.has(place) && after[place]!.length === 1 && !isFixed(folds[place]!, graph),
    );
    if (feeders.length === 0 || feeders.length + 1 > mostParts) return;
    const group = [...feeders, reader].sort((a, b) => a - b);
    for (const place of group) taken.add(place);
    groups.push(group);
  });
  return groups;
}

function contract(level: FoldedGraph, groups: readonly number[][]): FoldedGraph {
  const grouped = new Set(groups.flat());
  const folds: Fold[] = level.folds.filter((_, place) => !grouped.has(place));
  for (const group of groups) {
    const parts = group.map((place) => level.folds[place]!);
    const nodes = parts.flatMap((part) => part.nodes).sort((a, b) => a - b);
    folds.push({ id: `${nodes[0]!}+${nodes.length}`, nodes, parts });
  }
  folds.sort((a, b) => a.nodes[0]! - b.nodes[0]!);
  return linkFolds(folds, level);
}

// Edges among folds, from those of a finer level.
function linkFolds(folds: Fold[], finer: FoldedGraph): FoldedGraph {
  const placeOf = new Map<number, number>();
  folds.forEach((fold, place) => fold.nodes.forEach((node) => placeOf.set(node, place)));
  const before: Set<number>[] = folds.map(() => new Set());
  const after: Set<number>[] = folds.map(() => new Set());
  finer.folds.forEach((fold, place) => {
    const to = placeOf.get(fold.nodes[0]!)!;
    for (const source of finer.before[place]!) {
      const from = placeOf.get(finer.folds[source]!.nodes[0]!)!;
      if (from === to) continue;
      before[to]!.add(from);
      after[from]!.add(to);
    }
  });
  const list = (sets: Set<number>[]) => sets.map((set) => [...set]);
  return { folds, before: list(before), after: list(after) };
}
