import { describe, expect, it } from "vitest";
import type { Job, LabEvent, ModelSummary } from "../../src-main/lab/contract.ts";
import { badRequest } from "../../src-main/lab/errors.ts";
import { EtaEstimator } from "../../src-main/lab/eta.ts";
import { JobRunner } from "../../src-main/lab/jobs.ts";
import type { JobContext } from "../../src-main/lab/jobs.ts";

function createRunner() {
  const events: LabEvent[] = [];
  const runner = new JobRunner((event) => events.push(event));
  const statesOf = (id: number) =>
    events.flatMap((event) =>
      event.type === "job" && event.job.id === id ? [event.job.progress.state] : [],
    );
  const start = (lane: string | null, work: (context: JobContext) => Promise<ModelSummary[]>) =>
    runner.start({ kind: "sample", title: "a job", lane, work });
  return { runner, events, statesOf, start };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true }),
  );
}

describe("jobs", () => {
  it("goes through its states and keeps the result", async () => {
    const { runner, statesOf, start } = createRunner();
    const { job, kind } = start(null, async () => []);
    expect(runner.list()[0]!.progress).toEqual({ state: "queued" });
    expect(await runner.result(job, kind)).toEqual([]);
    expect(statesOf(job)).toEqual(["queued", "running", "done"]);
    expect(await runner.result(job, kind)).toEqual([]);
  });

  it("passes a user's error on and marks a bug as internal", async () => {
    const { runner, start } = createRunner();
    const failing = start(null, async () => {
      throw badRequest("wrong", "right");
    });
    await expect(runner.result(failing.job, "sample")).rejects.toMatchObject({
      code: "bad-request",
      message: "wrong",
      hint: "right",
    });
    const broken = start(null, async () => {
      throw new TypeError("x is\nundefined");
    });
    await expect(runner.result(broken.job, "sample")).rejects.toMatchObject({
      code: "internal",
      message: "x is undefined",
    });
  });

  it("runs the jobs of a lane one after another, other lanes beside them", async () => {
    const { runner, start } = createRunner();
    const order: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const first = start("host", async () => {
      order.push("first starts");
      await gate.promise;
      order.push("first ends");
      return [];
    });
    const second = start("host", async () => {
      order.push("second starts");
      return [];
    });
    const beside = start("phone", async () => {
      order.push("beside");
      return [];
    });
    await runner.result(beside.job, "sample");
    expect(runner.list().find((job) => job.id === second.job)!.progress.state).toBe("queued");
    gate.resolve(undefined);
    await runner.result(second.job, "sample");
    await runner.result(first.job, "sample");
    expect(order).toEqual(["first starts", "beside", "first ends", "second starts"]);
  });

  it("a failed job lets the next of its lane run", async () => {
    const { runner, start } = createRunner();
    start("host", () => Promise.reject(new Error("no")));
    const next = start("host", async () => []);
    expect(await runner.result(next.job, "sample")).toEqual([]);
  });

  it("cancels a running job through its signal", async () => {
    const { runner, statesOf, start } = createRunner();
    const started = Promise.withResolvers<undefined>();
    const { job } = start("host", ({ signal }) => {
      started.resolve(undefined);
      return untilAborted(signal);
    });
    await started.promise;
    runner.cancel(job);
    await expect(runner.result(job, "sample")).rejects.toMatchObject({ code: "cancelled" });
    expect(statesOf(job)).toEqual(["queued", "running", "cancelled"]);
    expect(runner.cancel(job).progress.state).toBe("cancelled");
  });

  it("cancels a queued job at once and never starts it, nor lets the next overtake", async () => {
    const { runner, start } = createRunner();
    const gate = Promise.withResolvers<undefined>();
    let running = 0;
    const work = async () => {
      running++;
      expect(running).toBe(1);
      await gate.promise;
      running--;
      return [];
    };
    const first = start("host", work);
    let ran = false;
    const second = start("host", async () => {
      ran = true;
      return [];
    });
    const third = start("host", work);
    expect(runner.cancel(second.job).progress.state).toBe("cancelled");
    await expect(runner.result(second.job, "sample")).rejects.toMatchObject({ code: "cancelled" });
    gate.resolve(undefined);
    await Promise.all([runner.result(first.job, "sample"), runner.result(third.job, "sample")]);
    expect(ran).toBe(false);
  });

  it("tells progress with the time left, its own or a guess, and always the last one", async () => {
    const { runner, events, start } = createRunner();
    const seen = Promise.withResolvers<Job>();
    const gate = Promise.withResolvers<undefined>();
    const { job } = start(null, async ({ onProgress }) => {
      for (let done = 0; done <= 500; done++) onProgress(done, 1000, `step ${done}`);
      onProgress(501, 1000, "last", 1234);
      await gate.promise;
      return [];
    });
    const timer = setInterval(() => {
      const last = events.at(-1);
      if (last?.type === "job" && last.job.progress.state === "running" && last.job.progress.note === "last")
        seen.resolve(last.job);
    }, 5);
    expect((await seen.promise).progress).toEqual({
      state: "running",
      done: 501,
      total: 1000,
      etaMs: 1234,
      note: "last",
    });
    clearInterval(timer);
    expect(events.length).toBeLessThan(100);
    gate.resolve(undefined);
    await runner.result(job, "sample");
  });

  it("refuses unknown jobs and wrong kinds", async () => {
    const { runner, start } = createRunner();
    expect(() => runner.cancel(7)).toThrow(/no job 7/);
    const { job } = start(null, async () => []);
    await expect(runner.result(job, "fit")).rejects.toMatchObject({ code: "bad-request" });
  });

  it("forgets the oldest of many finished jobs, never an active one", async () => {
    const { runner, start } = createRunner();
    const waiting = start("host", ({ signal }) => untilAborted(signal));
    for (let index = 0; index < 150; index++) {
      const { job } = start(null, async () => []);
      await runner.result(job, "sample");
    }
    const kept = runner.list();
    expect(kept.length).toBe(101);
    expect(kept.some((job) => job.id === waiting.job)).toBe(true);
    await runner.close();
  });

  it("closing cancels everything, waits for it and takes no more", async () => {
    const { runner, start } = createRunner();
    const ended: string[] = [];
    const work = async ({ signal }: JobContext) => {
      await untilAborted(signal).catch(() => {});
      await Promise.resolve();
      ended.push("ended");
      throw new Error("stopped");
    };
    const job = start("host", work);
    start("host", work);
    start(null, work);
    await Promise.resolve().then(() => Promise.resolve());
    await runner.close();
    expect(ended).toEqual(["ended", "ended"]);
    expect(runner.list().map((entry) => entry.progress.state)).toEqual([
      "cancelled",
      "cancelled",
      "cancelled",
    ]);
    await expect(runner.result(job.job, "sample")).rejects.toMatchObject({ code: "cancelled" });
    expect(() => start(null, work)).toThrow(/Cancelled/);
  });
});

describe("the time left", () => {
  it("is unknown at first, then steps left times their pace", () => {
    const eta = new EtaEstimator(0);
    expect(eta.update(0, 0, 10)).toBeNull();
    expect(eta.update(100, 1, 10)).toBe(900);
    expect(eta.update(150, 1, 10)).toBe(850);
    expect(eta.update(200, 2, 10)).toBe(800);
  });

  it("is not doubled by one long step, and follows a lasting change of pace", () => {
    const eta = new EtaEstimator(0);
    let now = 0;
    for (let done = 1; done <= 20; done++) eta.update((now += done === 10 ? 10_000 : 100), done, 1000);
    expect(eta.update(now, 20, 1000)).toBeCloseTo(98_000, -3);
    for (let done = 21; done <= 80; done++) eta.update((now += 300), done, 1000);
    expect(eta.update(now, 80, 1000)).toBeCloseTo(276_000, -3);
  });

  it("is never negative and survives a count that starts again", () => {
    const eta = new EtaEstimator(0);
    eta.update(100, 5, 5);
    expect(eta.update(5000, 5, 5)).toBe(0);
    expect(eta.update(5100, 0, 3)).toBeNull();
  });
});
