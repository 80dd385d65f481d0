import { describe, expect, it } from "vitest";
import type { ModelDetail } from "../../src-main/lab/contract.ts";
import { chooseLevel, findFolds, foldGraph, openFolds } from "../../src-renderer/charts/graphFolding.ts";
import type { FoldedGraph } from "../../src-renderer/charts/graphFolding.ts";
import { drawEdge, findNeighbour, layoutGraph } from "../../src-renderer/charts/graphLayout.ts";
import type { GraphLayout } from "../../src-renderer/charts/graphLayout.ts";
import { linkOps } from "../../src-renderer/charts/opGraph.ts";
import type { NodeLinks } from "../../src-renderer/charts/opGraph.ts";
import { buildDense, buildExchanges, buildResidual } from "./drawnNetworks.ts";

const networks: [string, ModelDetail][] = [
  ["residual", buildResidual(30)],
  ["dense", buildDense(40)],
  ["exchanges", buildExchanges(8)],
];

function isAcyclic({ before, after }: NodeLinks): boolean {
  const waiting = before.map((list) => list.length);
  const ready = waiting.flatMap((count, place) => (count === 0 ? [place] : []));
  let done = 0;
  for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
    done++;
    for (const next of after[place]!) if (--waiting[next]! === 0) ready.push(next);
  }
  return done === before.length;
}

describe("linkOps", () => {
  it("joins ops by the activations between them and leaves constants out", () => {
    const graph = linkOps(buildResidual(1));
    expect(graph.nodes.map((node) => (node.kind === "op" ? node.op.op : node.kind))).toEqual([
      "input",
      "CONV_2D",
      "CONV_2D",
      "CONV_2D",
      "ADD",
      "MEAN",
      "output",
    ]);
    expect(graph.before).toEqual([[], [0], [1], [2], [3, 1], [4], [5]]);
    expect(graph.after).toEqual([[1], [2, 4], [3], [4], [5], [6], []]);
    expect(graph.nodes[0]).toEqual({ kind: "input", shape: [1, 32, 32, 3] });
  });

  it("draws a body of control flow by itself", () => {
    const model = buildResidual(1);
    const body = { ...model, ops: model.ops.map((op) => ({ ...op, subgraph: 1 })) };
    expect(linkOps(body, 0).nodes.map((node) => node.kind)).toEqual(["input", "output"]);
    expect(linkOps(body, 1).before).toEqual([[], [0], [1], [2, 0], [3]]);
  });
});

describe.each(networks)("the folds of a %s network", (_, model) => {
  const graph = linkOps(model);
  const levels = foldGraph(graph);

  it("lose nothing, get fewer with every level and never close a cycle", () => {
    const all = graph.nodes.map((_node, place) => place);
    for (const level of levels) {
      expect(level.folds.flatMap((fold) => fold.nodes).toSorted((a, b) => a - b)).toEqual(all);
      expect(isAcyclic(level)).toBe(true);
    }
    const counts = levels.map((level) => level.folds.length);
    expect(counts).toEqual([...new Set(counts)].toSorted((a, b) => b - a));
    expect(counts.at(-1)!).toBeLessThanOrEqual(40);
  });

  it("stand for nodes that are there once, by an id that stays", () => {
    const nodes = new Map<string, string>();
    for (const level of levels)
      for (const fold of level.folds) {
        expect(nodes.get(fold.id) ?? fold.nodes.join()).toBe(fold.nodes.join());
        nodes.set(fold.id, fold.nodes.join());
      }
  });

  it("open step by step until every node is seen", () => {
    const node = Math.floor(graph.nodes.length / 2);
    const level = levels.length - 1;
    const path = findFolds(levels[level]!, node).map((fold) => fold.id);
    const shown = openFolds(levels, level, new Set(path));
    expect(shown.folds.find((fold) => fold.nodes.includes(node))?.nodes).toEqual([node]);
    expect(isAcyclic(shown)).toBe(true);
    const everything = new Set(levels.flatMap((entry) => entry.folds.map((fold) => fold.id)));
    const all = openFolds(levels, level, everything);
    expect(all.folds.map((fold) => fold.nodes[0])).toEqual(graph.nodes.map((_node, place) => place));
    expect(all.before.map((list) => list.toSorted())).toEqual(graph.before.map((list) => list.toSorted()));
  });
});

describe("foldGraph", () => {
  it("finds residual blocks: their two convolutions first, then the block", () => {
    const levels = foldGraph(linkOps(buildResidual(8)));
    const [ops, chains, blocks] = levels;
    expect(ops!.folds).toHaveLength(28);
    // The last addition makes a chain with the pooling after it.
    expect(chains!.folds.filter((fold) => fold.parts.length === 2)).toHaveLength(9);
    expect(blocks!.folds.map((fold) => fold.nodes.length)).toEqual([1, 1, 3, 3, 3, 3, 3, 3, 3, 4, 1]);
  });

  it("leaves small networks as they are, and chooses the finest level that fits", () => {
    expect(foldGraph(linkOps(buildResidual(2)))).toHaveLength(1);
    const levels = foldGraph(linkOps(buildResidual(30)));
    expect(chooseLevel(levels, 1000)).toBe(0);
    expect(levels[chooseLevel(levels, 40)]!.folds.length).toBeLessThanOrEqual(40);
    expect(chooseLevel(levels, 1)).toBe(levels.length - 1);
  });
});

function findOverlaps(drawing: GraphLayout): string[] {
  const found: string[] = [];
  drawing.nodes.forEach((a, place) =>
    drawing.nodes.slice(place + 1).forEach((b, after) => {
      const apart =
        a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      if (!apart) found.push(`${place} and ${place + 1 + after}`);
    }),
  );
  return found;
}

describe.each(networks)("the layout of a %s network", (_, model) => {
  const levels = foldGraph(linkOps(model));
  const drawn: [string, FoldedGraph][] = [
    ["every op", levels[0]!],
    ["folded", levels[chooseLevel(levels, 60)]!],
    ["folded most", levels.at(-1)!],
  ];

  it.each(drawn)("has no overlaps and only edges that lead down: %s", (_name, links) => {
    const drawing = layoutGraph(links);
    expect(findOverlaps(drawing)).toEqual([]);
    expect(drawing.edges).toHaveLength(links.before.flat().length);
    for (const { from, to, points } of drawing.edges) {
      const [above, below] = [drawing.nodes[from]!, drawing.nodes[to]!];
      expect(above.y + above.height).toBeLessThan(below.y);
      expect(points[0]!.y).toBeCloseTo(above.y + above.height, 3);
      expect(points.at(-1)!.y).toBeCloseTo(below.y, 3);
      expect(points.every((point, place) => place === 0 || point.y >= points[place - 1]!.y)).toBe(true);
    }
    for (const node of drawing.nodes) {
      expect(node.x).toBeGreaterThanOrEqual(0);
      expect(node.x + node.width).toBeLessThanOrEqual(drawing.width);
      expect(node.y + node.height).toBeLessThanOrEqual(drawing.height);
    }
  });
});

describe("findNeighbour", () => {
  // 0 → 1 → 3, 0 → 2 → 3, and 0 → 3 directly.
  const links: NodeLinks = { before: [[], [0], [0], [1, 2, 0]], after: [[1, 2, 3], [3], [3], []] };
  const drawing = layoutGraph(links);

  it("follows edges up and down and walks along layers", () => {
    const [left, right] = drawing.nodes[1]!.x < drawing.nodes[2]!.x ? [1, 2] : [2, 1];
    expect([1, 2]).toContain(findNeighbour(drawing, links, 0, "down"));
    expect(findNeighbour(drawing, links, left, "right")).toBe(right);
    expect(findNeighbour(drawing, links, right, "left")).toBe(left);
    expect(findNeighbour(drawing, links, 1, "down")).toBe(3);
    expect([1, 2]).toContain(findNeighbour(drawing, links, 3, "up"));
    expect(findNeighbour(drawing, links, 0, "up")).toBeNull();
    expect(findNeighbour(drawing, links, 2, "first")).toBe(0);
    expect(findNeighbour(drawing, links, 1, "last")).toBe(3);
  });

  it("stands where there is nothing", () => {
    const empty: NodeLinks = { before: [], after: [] };
    expect(layoutGraph(empty).nodes).toEqual([]);
    expect(findNeighbour(layoutGraph(empty), empty, 0, "down")).toBeNull();
    expect(drawEdge([])).toBe("");
  });
});

describe("drawEdge", () => {
  it("goes from point to point and is upright at each", () => {
    const path = drawEdge([
      { x: 1, y: 2 },
      { x: 3, y: 10.04 },
      { x: 3, y: 20 },
    ]);
    expect(path).toBe("M1 2C1 6 3 6 3 10L3 20");
  });
});
