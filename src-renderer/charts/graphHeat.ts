import type { OpDetail } from "../../src-main/lab/contract.ts";
import {
  formatBytes,
  formatCount,
  formatFlops,
  formatMs,
  formatPercent,
  formatShape,
} from "../../src-main/lab/format.ts";
import type { Fold } from "./graphFolding.ts";
import type { OpGraph } from "./opGraph.ts";

/** What the nodes of a graph are coloured by. */
export type HeatBy = "flops" | "bytes" | "predicted" | "measured";

export const heatNames: Record<HeatBy, string> = {
  flops: "FLOPs",
  bytes: "Traffic",
  predicted: "□ Predicted time",
  measured: "■ Measured time",
};

/** A quantity of each op. */
export interface Heat {
  by: HeatBy;
  /** Of the op at that place in its subgraph, in ms; ops without one were fused into others or not covered. */
  times?: ReadonlyMap<number, number>;
}

/** What a node of the drawing says. */
export interface NodeDrawing {
  id: string;
  kind: "input" | "output" | "op" | "group";
  title: string;
  /** Beside the title: the op's number, or nothing. */
  number: string;
  shape: string;
  /** Beside the shape: window and stride of an op. */
  window: string;
  value: string;
  /** Part of the whole network's quantity, 0 to 1; null where there is none. */
  share: number | null;
  /** Relative to the largest node that is drawn, 0 to 1. */
  strength: number;
  /** All of it in one line, for who hears it. */
  label: string;
}

/** A quantity of an op, null where it is not known. */
export function readHeat(heat: Heat, op: OpDetail): number | null {
  if (heat.by === "flops") return op.flops;
  if (heat.by === "bytes") return op.bytes;
  return heat.times?.get(op.index) ?? null;
}

/** A quantity as it reads on a node; times carry the sign that tells measured from predicted. */
export function formatHeat(by: HeatBy, value: number | null): string {
  if (value === null)
    return by === "flops" ? "FLOPs unknown" : by === "bytes" ? "unknown" : "no time of its own";
  if (by === "flops") return formatFlops(value);
  if (by === "bytes") return formatBytes(value);
  return `${by === "measured" ? "■" : "□"} ${formatMs(value)}`;
}

/** What each fold of a graph shows. */
export function describeFolds(graph: OpGraph, folds: readonly Fold[], heat: Heat): NodeDrawing[] {
  let total = 0;
  for (const node of graph.nodes) if (node.kind === "op") total += readHeat(heat, node.op) ?? 0;
  const values = folds.map((fold) => sumHeat(graph, fold, heat));
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  return folds.map((fold, place) => {
    const value = values[place] ?? null;
    const words = describeFold(graph, fold);
    const timed = words.kind === "op" || words.kind === "group";
    const share = timed && value !== null && total > 0 ? value / total : null;
    const text = timed ? formatHeat(heat.by, value) : "";
    const portion = share === null || share < 0.0005 ? "" : formatPercent(100 * share);
    const meaning = heat.by === "predicted" ? "predicted " : heat.by === "measured" ? "measured " : "";
    return {
      ...words,
      id: fold.id,
      value: [text, portion].filter((part) => part !== "").join(" · "),
      share,
      strength: value !== null && largest > 0 ? value / largest : 0,
      label: [
        [words.title, words.number].filter((part) => part !== "").join(" "),
        words.window,
        words.shape,
        timed ? `${meaning}${text.replace(/^[■□] /, "")}` : "",
        portion && `${portion} of the whole`,
      ]
        .filter((part) => part !== "")
        .join(", "),
    };
  });
}

type FoldWords = Pick<NodeDrawing, "kind" | "title" | "number" | "shape" | "window">;

function describeFold(graph: OpGraph, fold: Fold): FoldWords {
  const last = graph.nodes[fold.nodes.at(-1)!]!;
  const first = graph.nodes[fold.nodes[0]!]!;
  const shape = formatShape(last.shape);
  if (fold.parts.length > 0) {
    const types = fold.nodes.flatMap((node) => {
      const entry = graph.nodes[node]!;
      return entry.kind === "op" ? [entry.op.op] : [];
    });
    return {
      kind: "group",
      title: `${formatCount(fold.nodes.length)} ops`,
      number: countTypes(types),
      shape,
      window: "",
    };
  }
  if (first.kind !== "op")
    return {
      kind: first.kind,
      title: first.kind === "input" ? "Input" : "Output",
      number: "",
      shape,
      window: "",
    };
  return {
    kind: "op",
    title: first.op.op,
    number: `#${first.op.index}`,
    shape,
    window: tellWindow(first.op),
  };
}

/** Types with how often each comes, the most frequent first: `CONV_2D ×4, ADD`. */
export function countTypes(types: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const type of types) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([type, count]) => (count === 1 ? type : `${type} ×${count}`))
    .join(", ");
}

/** The window of a convolution or pool with its stride: `3×3 /2`; empty for other ops. */
export function tellWindow(op: OpDetail): string {
  const { strideH, strideW, filterHeight, filterWidth } = op.attributes;
  let height = filterHeight;
  let width = filterWidth;
  if (/CONV/.test(op.op)) {
    const weights = op.inputs.find(
      (shape, place) => shape.length === 4 && (place > 0 || op.op === "TRANSPOSE_CONV"),
    );
    [, height, width] = weights ?? [];
  }
  if (typeof height !== "number" || typeof width !== "number") return "";
  const stride = strideH === strideW ? `${strideH}` : `${String(strideH)}×${String(strideW)}`;
  return `${height}×${width}${stride === "1" || strideH === undefined ? "" : ` /${stride}`}`;
}

/** The sum over a fold's ops; null when none of them has the quantity. */
export function sumHeat(graph: OpGraph, fold: Fold, heat: Heat): number | null {
  let sum: number | null = null;
  for (const place of fold.nodes) {
    const node = graph.nodes[place]!;
    const value = node.kind === "op" ? readHeat(heat, node.op) : null;
    if (value !== null) sum = (sum ?? 0) + value;
  }
  return sum;
}

/** The text, or its beginning with an ellipsis when it is longer than `most` characters. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
