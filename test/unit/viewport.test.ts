import { describe, expect, test } from "vitest";
import {
  centreBox,
  findVisible,
  overlap,
  showBox,
  turnView,
  zoomView,
  type WheelTurn,
} from "../../src-renderer/charts/viewport.ts";

const window = { width: 400, height: 300 };
const box = { x: 1000, y: 500, width: 150, height: 60 };
const still: WheelTurn = {
  deltaX: 0,
  deltaY: 0,
  deltaMode: 0,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
};

describe("the window on a drawing", () => {
  test("keeps the point it zooms about where it is", () => {
    const view = { x: 30, y: -20, scale: 0.8 };
    const at = { x: 120, y: 90 };
    const under = ({ x, y, scale }: typeof view) => [(at.x - x) / scale, (at.y - y) / scale];
    const zoomed = zoomView(view, 1.25, at);
    expect(zoomed.scale).toBeCloseTo(1);
    under(view).forEach((value, axis) => expect(under(zoomed)[axis]).toBeCloseTo(value));
  });

  test("shows a box with the least move, and leaves one that is seen where it is", () => {
    const view = { x: 0, y: 0, scale: 1 };
    expect(overlap(box, findVisible(view, window))).toBe(false);
    const shown = showBox(view, box, window);
    // 48 pixels of room on the sides it came from.
    expect(shown).toEqual({ x: 400 - 48 - 1150, y: 300 - 48 - 560, scale: 1 });
    expect(showBox(shown, box, window)).toEqual(shown);
    const centred = centreBox(view, box, window);
    expect(findVisible(centred, window)).toEqual({ x: 875, y: 380, ...window });
  });

  test("moves with the wheel, by lines too, sideways with Shift, and zooms with Ctrl or Cmd", () => {
    const view = { x: 10, y: 20, scale: 1 };
    const turn = (held: Partial<WheelTurn>) => turnView(view, { ...still, ...held }, { x: 0, y: 0 });
    expect(turn({ deltaX: 3, deltaY: 4 })).toEqual({ x: 7, y: 16, scale: 1 });
    expect(turn({ deltaY: 1, deltaMode: 1 })).toEqual({ x: 10, y: 4, scale: 1 });
    expect(turn({ deltaY: 5, shiftKey: true })).toEqual({ x: 5, y: 20, scale: 1 });
    for (const held of ["ctrlKey", "metaKey"] as const) {
      expect(turn({ deltaY: -100, [held]: true }).scale).toBeGreaterThan(1);
      expect(turn({ deltaY: 100, [held]: true }).scale).toBeLessThan(1);
    }
  });
});
