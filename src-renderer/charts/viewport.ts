/** Looking at a drawing through a window: where it lies and how large. Pure numbers, in pixels. */

export interface Size {
  width: number;
  height: number;
}

export interface Box extends Size {
  x: number;
  y: number;
}

/** A point p of the drawing is seen at (x + p.x × scale, y + p.y × scale). */
export interface Viewport {
  x: number;
  y: number;
  scale: number;
}

export const leastScale = 0.06;
export const mostScale = 2.5;
/** Below this, text on nodes is no longer read. */
export const readableScale = 0.5;

/** Keeps the drawing in view: centred where it is smaller than the window, without empty margins where it is larger. */
export function clampView(view: Viewport, drawing: Size, window: Size): Viewport {
  const scale = Math.min(mostScale, Math.max(leastScale, view.scale));
  const clamp = (at: number, size: number, room: number) =>
    size * scale <= room ? (room - size * scale) / 2 : Math.min(0, Math.max(room - size * scale, at));
  return {
    x: clamp(view.x, drawing.width, window.width),
    y: clamp(view.y, drawing.height, window.height),
    scale,
  };
}

/** Scales around a point of the window, which stays where it is. */
export function zoomView(view: Viewport, factor: number, at: { x: number; y: number }): Viewport {
  const scale = Math.min(mostScale, Math.max(leastScale, view.scale * factor));
  const ratio = scale / view.scale;
  return { x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio, scale };
}

/** All of the drawing, as large as fits and never larger than natural size. */
export function fitView(drawing: Size, window: Size): Viewport {
  const scale = Math.min(1, window.width / drawing.width, window.height / drawing.height);
  return clampView({ x: 0, y: 0, scale }, drawing, window);
}

/** Its upper end, as wide as fits and large enough to be read. */
export function openView(drawing: Size, window: Size): Viewport {
  const scale = Math.min(1, Math.max(0.8, window.width / drawing.width));
  return { x: (window.width - drawing.width * scale) / 2, y: 0, scale };
}

/** Moves no further than needed for a box of the drawing to be seen with some room around it. */
export function showBox(view: Viewport, box: Box, window: Size): Viewport {
  const move = (at: number, start: number, size: number, room: number) => {
    const edge = Math.min(48, Math.max(0, (room - size * view.scale) / 2));
    const low = at + start * view.scale;
    const high = low + size * view.scale;
    if (low < edge) return at + edge - low;
    return high > room - edge ? at + room - edge - high : at;
  };
  return {
    x: move(view.x, box.x, box.width, window.width),
    y: move(view.y, box.y, box.height, window.height),
    scale: view.scale,
  };
}

/** Puts the middle of a box in the middle of the window. */
export function centreBox(view: Viewport, box: Box, window: Size): Viewport {
  return {
    x: window.width / 2 - (box.x + box.width / 2) * view.scale,
    y: window.height / 2 - (box.y + box.height / 2) * view.scale,
    scale: view.scale,
  };
}

/** The part of the drawing that is seen. */
export function findVisible(view: Viewport, window: Size): Box {
  return {
    x: -view.x / view.scale,
    y: -view.y / view.scale,
    width: window.width / view.scale,
    height: window.height / view.scale,
  };
}

/** Whether two boxes share a point. */
export function overlap(a: Box, b: Box): boolean {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height;
}

/** What a wheel event tells: distances in pixels, or in lines where `deltaMode` is 1, and the keys held. */
export type WheelTurn = Pick<
  WheelEvent,
  "deltaX" | "deltaY" | "deltaMode" | "ctrlKey" | "metaKey" | "shiftKey"
>;

/** Zooms about a point with Ctrl or Cmd held, as a pinch tells it too; else moves, sideways with Shift held. */
export function turnView(view: Viewport, turn: WheelTurn, at: { x: number; y: number }): Viewport {
  const lines = turn.deltaMode === 1 ? 16 : 1;
  if (turn.ctrlKey || turn.metaKey) return zoomView(view, Math.exp(-turn.deltaY * lines * 0.004), at);
  const [dx, dy] = turn.shiftKey ? [turn.deltaY, 0] : [turn.deltaX, turn.deltaY];
  return { ...view, x: view.x - dx * lines, y: view.y - dy * lines };
}
