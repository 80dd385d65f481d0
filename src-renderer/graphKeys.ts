/** The keys of a model's graph: what they do and how help tells them. */
import type { Direction } from "./charts/graphLayout.ts";

export type GraphAction =
  { do: "move"; direction: Direction } | { do: "open" | "toggle" | "zoom-in" | "zoom-out" | "fit" | "close" };

export interface GraphKey {
  /** Names as `KeyboardEvent.key` has them. */
  keys: readonly string[];
  /** As help shows them. */
  shown: string;
  title: string;
  action: (key: string) => GraphAction;
}

const directions: Record<string, Direction> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  Home: "first",
  End: "last",
};
const move = (key: string): GraphAction => ({ do: "move", direction: directions[key] ?? "down" });

export const graphKeys: readonly GraphKey[] = [
  { keys: ["ArrowUp", "ArrowDown"], shown: "↑ ↓", title: "Follow the edges", action: move },
  { keys: ["ArrowLeft", "ArrowRight"], shown: "← →", title: "Along the layer", action: move },
  { keys: ["Home", "End"], shown: "Home End", title: "First and last node", action: move },
  { keys: ["Enter"], shown: "Enter", title: "Detail of the node", action: () => ({ do: "open" }) },
  { keys: [" "], shown: "Space", title: "Unfold or fold", action: () => ({ do: "toggle" }) },
  { keys: ["+", "="], shown: "+", title: "Larger", action: () => ({ do: "zoom-in" }) },
  { keys: ["-", "_"], shown: "-", title: "Smaller", action: () => ({ do: "zoom-out" }) },
  { keys: ["0"], shown: "0", title: "All of it", action: () => ({ do: "fit" }) },
  { keys: ["Escape"], shown: "Esc", title: "Close the detail", action: () => ({ do: "close" }) },
];

/** What a key press means to the graph, or null for one with a modifier or without a meaning. */
export function readGraphKey(
  press: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">,
): GraphAction | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  return graphKeys.find((entry) => entry.keys.includes(press.key))?.action(press.key) ?? null;
}
