import { Graph, layout } from "@dagrejs/dagre";
import type { Box } from "./viewport.ts";
import type { NodeLinks } from "./opGraph.ts";

export interface Point {
  x: number;
  y: number;
}

/** Where a node lies: its upper left corner. */
export interface PlacedNode extends Point {
  width: number;
  height: number;
  /** Layer from the top, and place in it from the left. */
  layer: number;
  order: number;
}

export interface PlacedEdge {
  from: number;
  to: number;
  /** From the lower edge of one node to the upper edge of the other. */
  points: Point[];
}

/** Places in pixels at natural size; (0, 0) is the upper left corner of the whole. */
export interface GraphLayout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

/** Size of a drawn node in pixels: room for three short lines. */
export const nodeSize = { width: 196, height: 58 };

const margin = 24;
// The better ranking costs seconds on graphs of many hundred nodes; networks are layered enough for the simpler one.
const mostForSimplex = 260;

interface LaidNode extends Point {
  width: number;
  height: number;
}

/**
 * Places a graph's nodes in layers so that every edge leads downwards and no two nodes overlap: the method of Gansner,
 * Koutsofios, North and Vo (1993), "A technique for drawing directed graphs", as dagre does it.
 */
export function layoutGraph(links: NodeLinks): GraphLayout {
  const count = links.before.length;
  if (count === 0) return { width: 0, height: 0, nodes: [], edges: [] };
  const graph = new Graph();
  graph.setGraph({
    rankdir: "TB",
    nodesep: 22,
    edgesep: 14,
    ranksep: 38,
    marginx: margin,
    marginy: margin,
    ranker: count > mostForSimplex ? "tight-tree" : "network-simplex",
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (let node = 0; node < count; node++) graph.setNode(String(node), { ...nodeSize });
  links.before.forEach((sources, to) => {
    for (const from of sources) graph.setEdge(String(from), String(to));
  });
  layout(graph);
  const nodes = links.before.map((_, node) => {
    const { x, y, width, height } = graph.node(String(node)) as LaidNode;
    return { x: x - width / 2, y: y - height / 2, width, height, layer: 0, order: 0 };
  });
  numberLayers(nodes);
  const middles = new Set(nodes.map((node) => Math.round(node.y + node.height / 2)));
  const isLayer = (y: number) => middles.has(Math.round(y));
  const edges = graph.edges().map(({ v, w }: { v: string; w: string }) => ({
    from: Number(v),
    to: Number(w),
    points: attach(
      (graph.edge(v, w) as { points: Point[] }).points,
      nodes[Number(v)]!,
      nodes[Number(w)]!,
      isLayer,
    ),
  }));
  return {
    width: Math.max(...nodes.map((node) => node.x + node.width)) + margin,
    height: Math.max(...nodes.map((node) => node.y + node.height)) + margin,
    nodes,
    edges,
  };
}

// Edges leave and enter in the middle, where the eye looks for them, and pass other layers straight down between their nodes.
function attach(
  points: readonly Point[],
  above: PlacedNode,
  below: PlacedNode,
  isLayer: (y: number) => boolean,
): Point[] {
  const start = { x: above.x + above.width / 2, y: above.y + above.height };
  const end = { x: below.x + below.width / 2, y: below.y };
  const half = nodeSize.height / 2;
  const passed = points
    .slice(1, -1)
    .filter(({ y }) => y > start.y && y < end.y && isLayer(y))
    .flatMap(({ x, y }) => [
      { x, y: y - half },
      { x, y: y + half },
    ]);
  return [start, ...passed, end];
}

function numberLayers(nodes: readonly PlacedNode[]): void {
  const rows = [...new Set(nodes.map((node) => Math.round(node.y)))].sort((a, b) => a - b);
  const layers = new Map(rows.map((y, layer) => [y, layer]));
  const counts = rows.map(() => 0);
  for (const node of nodes.toSorted((a, b) => a.x - b.x)) {
    node.layer = layers.get(Math.round(node.y))!;
    node.order = counts[node.layer]!++;
  }
}

/** The box an edge lies in, in pixels. It goes down only, and has a point at each end. */
export function boundEdge(points: readonly Point[]): Box {
  const xs = points.map((point) => point.x);
  const [x, y] = [Math.min(...xs), points[0]!.y];
  return { x, y, width: Math.max(...xs) - x, height: points.at(-1)!.y - y };
}

/** An edge as an SVG path: it goes down only, and comes to each point and leaves it straight down. */
export function drawEdge(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${round(first.x)} ${round(first.y)}`;
  let from = first;
  for (const to of rest) {
    const middle = round((from.y + to.y) / 2);
    path +=
      Math.abs(from.x - to.x) < 0.5
        ? `L${round(to.x)} ${round(to.y)}`
        : `C${round(from.x)} ${middle} ${round(to.x)} ${middle} ${round(to.x)} ${round(to.y)}`;
    from = to;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export type Direction = "up" | "down" | "left" | "right" | "first" | "last";

/**
 * The node that an arrow key leads to: up and down follow edges, the straightest first; left and right go through the layer
 * and, where the layer ends, to the node beside in the layers next to it. Null where there is none.
 */
export function findNeighbour(
  drawing: GraphLayout,
  links: NodeLinks,
  node: number,
  direction: Direction,
): number | null {
  const here = drawing.nodes[node];
  if (!here) return null;
  if (direction === "first" || direction === "last") return findEnd(drawing, direction);
  const distance = (place: number) => Math.abs(drawing.nodes[place]!.x - here.x);
  if (direction === "up" || direction === "down") {
    const linked = direction === "up" ? links.before[node]! : links.after[node]!;
    const height = (place: number) => Math.abs(drawing.nodes[place]!.layer - here.layer);
    return linked.toSorted((a, b) => height(a) - height(b) || distance(a) - distance(b))[0] ?? null;
  }
  const sign = direction === "left" ? -1 : 1;
  const beside = drawing.nodes
    .map((_, place) => place)
    .filter((place) => sign * (drawing.nodes[place]!.x - here.x) > 1)
    .filter((place) => Math.abs(drawing.nodes[place]!.layer - here.layer) <= 1);
  const apart = (place: number) => Math.abs(drawing.nodes[place]!.layer - here.layer);
  return beside.sort((a, b) => apart(a) - apart(b) || distance(a) - distance(b))[0] ?? null;
}

function findEnd(drawing: GraphLayout, end: "first" | "last"): number {
  const sign = end === "first" ? 1 : -1;
  return drawing.nodes
    .map((_, place) => place)
    .sort((a, b) => sign * (drawing.nodes[a]!.y - drawing.nodes[b]!.y))[0]!;
}
