import { describe, expect, it } from "vitest";
import {
  type Warmth,
  decidePacing,
  estimateCooling,
  findHeat,
  formatWait,
  waitUntilCool,
} from "../../src-main/profile/pacing.ts";

const cool: Warmth = { temperatureC: 31, thermalStatus: "none" };

describe("whether a phone is too warm", () => {
  it.each([
    [cool, null],
    [{ temperatureC: 38, thermalStatus: "none" }, null],
    [{ temperatureC: 38.1, thermalStatus: "none" }, "38.1 °C, starts at 38 °C"],
    [{ temperatureC: 30, thermalStatus: "light" }, "the phone's thermal status is light"],
    [{ temperatureC: 41.25, thermalStatus: "severe" }, "41.3 °C, starts at 38 °C"],
    [{ temperatureC: null, thermalStatus: "moderate" }, "the phone's thermal status is moderate"],
    [{ temperatureC: null, thermalStatus: null }, null],
  ] as [Warmth, string | null][])("%o", (warmth, heat) => {
    expect(findHeat(warmth, 38)).toBe(heat);
  });
});

describe("how long cooling takes", () => {
  it("follows Newton's law: half of the way above the room takes the same time again", () => {
    // 22 °C in the room: 42 → 32 is a half-life, so 32 → 27 is another.
    const points = [
      { atMs: 0, temperatureC: 42 },
      { atMs: 600_000, temperatureC: 32 },
    ];
    expect(estimateCooling(points, 27)).toBeCloseTo(600_000, 3);
  });

  it("is unknown while the phone does not cool", () => {
    expect(estimateCooling([{ atMs: 0, temperatureC: 41 }], 38)).toBeNull();
    const rising = [
      { atMs: 0, temperatureC: 41 },
      { atMs: 9000, temperatureC: 41.6 },
    ];
    expect(estimateCooling(rising, 38)).toBeNull();
    const sameInstant = [
      { atMs: 5, temperatureC: 43 },
      { atMs: 5, temperatureC: 41 },
    ];
    expect(estimateCooling(sameInstant, 38)).toBeNull();
  });

  it("stays finite where the start band is below the room's temperature", () => {
    const points = [
      { atMs: 0, temperatureC: 26 },
      { atMs: 60_000, temperatureC: 24 },
    ];
    expect(estimateCooling(points, 20)).toBeGreaterThan(0);
    expect(Number.isFinite(estimateCooling(points, 20))).toBe(true);
  });

  it("reads as people say it", () => {
    expect([1000, 12_000, 49_000, 61_000, 120_000, 121_000].map(formatWait)).toEqual([
      "about 5 s",
      "about 10 s",
      "about 50 s",
      "about 2 min",
      "about 2 min",
      "about 3 min",
    ]);
  });
});

describe("the decision", () => {
  it("tells the temperature, the band and the estimate", () => {
    const decision = decidePacing(
      { temperatureC: 41.2, thermalStatus: "none" },
      [
        { atMs: 0, temperatureC: 42.2 },
        { atMs: 60_000, temperatureC: 41.2 },
      ],
      38,
    );
    expect(decision).toMatchObject({ start: false, note: "cooling: 41.2 °C, starts at 38 °C, about 4 min" });
  });

  it("looks again sooner when little is left, never in a hurry", () => {
    const soon = decidePacing({ temperatureC: 38.1, thermalStatus: null }, [], 38);
    expect(soon).toMatchObject({ start: false, againMs: 5000 });
    const late = decidePacing(
      { temperatureC: 44, thermalStatus: null },
      [
        { atMs: 0, temperatureC: 44.4 },
        { atMs: 200_000, temperatureC: 44 },
      ],
      38,
    );
    expect(late).toMatchObject({ start: false, againMs: 20_000 });
  });
});

describe("the wait", () => {
  function fakeClock() {
    let atMs = 1000;
    const pauses: number[] = [];
    return {
      pauses,
      now: () => atMs,
      pause: (ms: number, signal: AbortSignal) => {
        pauses.push(ms);
        atMs += ms;
        return signal.aborted ? Promise.reject(new Error("aborted")) : Promise.resolve();
      },
    };
  }

  it("is none for a cool phone, which is not asked again", async () => {
    const clock = fakeClock();
    const waited = await waitUntilCool({
      latest: cool,
      read: () => Promise.reject(new Error("asked")),
      startTemperatureC: 38,
      report: () => undefined,
      signal: new AbortController().signal,
      clock,
    });
    expect(waited).toEqual({ cooledMs: 0, latest: cool });
    expect(clock.pauses).toEqual([]);
  });

  it("lasts until temperature and status are both well, and tells how long it was", async () => {
    const clock = fakeClock();
    const readings: Warmth[] = [
      { temperatureC: 39, thermalStatus: "light" },
      { temperatureC: 37.5, thermalStatus: "light" },
      { temperatureC: 37, thermalStatus: "none" },
    ];
    const notes: string[] = [];
    const waited = await waitUntilCool({
      latest: { temperatureC: 41, thermalStatus: "light" },
      read: () => Promise.resolve(readings.shift()!),
      startTemperatureC: 38,
      report: (note) => notes.push(note),
      signal: new AbortController().signal,
      clock,
    });
    expect(waited.latest).toEqual({ temperatureC: 37, thermalStatus: "none" });
    expect(waited.cooledMs).toBe(clock.pauses.reduce((sum, ms) => sum + ms, 0));
    expect(notes).toHaveLength(3);
    expect(notes[0]).toBe("cooling: 41.0 °C, starts at 38 °C");
    expect(notes[1]).toMatch(/^cooling: 39\.0 °C, starts at 38 °C, about \d+ (s|min)$/);
    expect(notes[2]).toBe("cooling: the phone's thermal status is light");
  });

  it("ends at once on abort", async () => {
    const stop = new AbortController();
    const waiting = waitUntilCool({
      latest: { temperatureC: 45, thermalStatus: null },
      read: () => Promise.resolve({ temperatureC: 45, thermalStatus: null }),
      startTemperatureC: 38,
      report: () => stop.abort(),
      signal: stop.signal,
    });
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  });

  it("goes on when the phone stops telling", async () => {
    const waited = await waitUntilCool({
      latest: { temperatureC: 45 as number | null, thermalStatus: null },
      read: () => Promise.resolve({ temperatureC: null, thermalStatus: null }),
      startTemperatureC: 38,
      report: () => undefined,
      signal: new AbortController().signal,
      clock: fakeClock(),
    });
    expect(waited.cooledMs).toBe(5000);
  });
});
