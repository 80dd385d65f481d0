import { describe, expect, it } from "vitest";
import * as format from "../../src-main/lab/format.ts";

describe("formats", () => {
  it.each([
    [0, "0 ms"],
    [0.0123, "0.0123 ms"],
    [0.5, "0.500 ms"],
    [1.2345, "1.23 ms"],
    [9.996, "10.0 ms"],
    [12.345, "12.3 ms"],
    [99.96, "100 ms"],
    [1234.5, "1,235 ms"],
    [null, "–"],
    [undefined, "–"],
    [NaN, "–"],
    [Infinity, "–"],
  ])("a latency of %s reads %s", (ms, text) => expect(format.formatMs(ms)).toBe(text));

  it.each([
    [12.4, 0.31, "12.4 ms ± 0.3"],
    [12.4, 0.02, "12.4 ms ± 0.02"],
    [12.4, 0, "12.4 ms ± 0.0"],
    [1234, 3.3, "1,234 ms ± 3"],
    [12.4, null, "12.4 ms"],
    [null, 0.3, "–"],
  ])("%s with a spread of %s reads %s", (ms, spread, text) =>
    expect(format.formatSpread(ms, spread)).toBe(text),
  );

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [999_999, "1.00 MB"],
    [17_200_000, "17.2 MB"],
    [25_300_000_000, "25.3 GB"],
    [null, "–"],
  ])("%s bytes read %s", (bytes, text) => expect(format.formatBytes(bytes)).toBe(text));

  it("scales FLOPs and counts", () => {
    expect(format.formatFlops(1.519e9)).toBe("1.52 GFLOPs");
    expect(format.formatFlops(0)).toBe("0 FLOPs");
    expect(format.formatFlops(null)).toBe("–");
    expect(format.formatShortCount(4_240_000)).toBe("4.24 M");
    expect(format.formatShortCount(12)).toBe("12");
    expect(format.formatCount(1_234_567)).toBe("1,234,567");
    expect(format.formatCount(null)).toBe("–");
  });

  it("tells percentages and errors apart by their sign", () => {
    expect(format.formatPercent(7.14)).toBe("7.1 %");
    expect(format.formatPercent(86.6, 0)).toBe("87 %");
    expect(format.formatError(0.043)).toBe("+4.3 %");
    expect(format.formatError(-0.043)).toBe("-4.3 %");
    expect(format.formatError(-0.00001)).toBe("0.0 %");
    expect(format.formatError(null)).toBe("–");
    expect(format.formatNumber(0.98765)).toBe("0.988");
    expect(format.formatNumber(null)).toBe("–");
  });

  it("tells times spent exactly and times left roughly", () => {
    expect(format.formatDuration(3200)).toBe("3.2s");
    expect(format.formatDuration(125_000)).toBe("2m 5s");
    expect(format.formatDuration(null)).toBe("–");
    expect(format.formatEta(400)).toBe("a moment");
    expect(format.formatEta(3333)).toBe("about 4s");
    expect(format.formatEta(125_000)).toBe("about 2m 10s");
    expect(format.formatEta(4_000_000)).toBe("about 1h 7m");
    expect(format.formatEta(null)).toBe("unknown");
  });

  it("writes shapes and moments", () => {
    expect(format.formatShape([1, 224, 224, 3])).toBe("1×224×224×3");
    expect(format.formatShape([])).toBe("scalar");
    expect(format.formatTime("2026-03-01T14:05:09")).toBe("2026-03-01 14:05");
    expect(format.formatTime("nonsense")).toBe("–");
    expect(format.formatTime(null)).toBe("–");
  });
});
