import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { phoneFolder } from "../../src-main/device/phoneFolder.ts";
import { endBenchmark, nameOwner, pidPath } from "../../src-main/profile/phoneOrphans.ts";
import { type PhonePass, runPhonePass } from "../../src-main/profile/phonePass.ts";
import { LocalPhone } from "./localPhone.ts";

const program = `${phoneFolder}/bin/abc/benchmark_model`;
const owner = "0123456789abcdef";
const starting = "INFO: STARTING!";
const phase =
  "INFO: Running benchmark for at least 1 iterations and at least 0 seconds but terminate if exceeding 5 seconds.";
let phone: LocalPhone;

beforeEach(() => {
  phone = new LocalPhone();
});

afterEach(() => {
  phone.stop();
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

async function plan(script: string, other: Partial<PhonePass> = {}): Promise<PhonePass> {
  await phone.push(Buffer.from(`#!/bin/sh\n${script}\n`), program, 0o755);
  return {
    program,
    flags: ["--graph=/a b/$(touch x)'.tflite", "--num_runs=1"],
    mask: "ff",
    owner,
    plan: { runs: 1, minSecs: 0, maxSecs: 1, warmupSecs: 0 },
    stale: [],
    signal: new AbortController().signal,
    ...other,
  };
}

describe("one process on a phone", () => {
  it("is the process the phone's daemon started, pinned, with its flags untouched", async () => {
    phone.setMask("f0");
    const pass = await plan('echo "I am $$"; for flag in "$@"; do echo "<$flag>"; done; echo oops >&2', {
      mask: "f0",
    });
    const end = await runPhonePass(phone, pass);
    expect(end).toMatchObject({
      exitCode: 0,
      overdue: null,
      lost: null,
      stderr: "oops\n",
      readBackMask: "f0",
    });
    expect(end.stdout).toBe(`I am ${end.pid}\n<--graph=/a b/$(touch x)'.tflite>\n<--num_runs=1>\n`);
    expect(existsSync(`${phone.root}/x`)).toBe(false);
    expect(phone.commands).toHaveLength(1);
  });

  it("tells the phone's state before it, and nothing of that in its output", async () => {
    const pass = await plan("echo hello", { telemetryCpus: [0] });
    const end = await runPhonePass(phone, pass);
    expect(end.stdout).toBe("hello\n");
    expect(end.before!.load).toBeGreaterThanOrEqual(0);
    expect(end.stderr).toBe("");
  });

  it("removes what an earlier pass left", async () => {
    const stale = `${phoneFolder}/run/old.csv`;
    await phone.push(Buffer.from("old"), stale, 0o644);
    await runPhonePass(phone, await plan("exit 0", { stale: [stale] }));
    expect(existsSync(phone.locate(stale))).toBe(false);
  });

  it("that ends badly keeps its exit code and words", async () => {
    const end = await runPhonePass(phone, await plan("echo ERROR: no >&2; exit 3"));
    expect(end).toMatchObject({ exitCode: 3, stderr: "ERROR: no\n" });
    const killed = await runPhonePass(phone, await plan("kill -9 $$"));
    expect(killed.exitCode).toBe(137);
  });

  it("is killed when it measures nothing by the deadline of its start", async () => {
    const pass = await plan(
      `echo '${starting}'; echo '${phase}'; echo last words >&2; while :; do sleep 0.05; done`,
      {
        deadlines: { startMs: () => 300, measureMs: () => 60_000 },
      },
    );
    const end = await runPhonePass(phone, pass);
    expect(end).toMatchObject({ overdue: "starting", exitCode: 137, stderr: "last words\n" });
    expect(isAlive(end.pid!)).toBe(false);
  });

  it("is killed when it does not end by the deadline from its first measured run", async () => {
    const told: (number | null)[] = [];
    const warmup = "INFO: count=1 curr=2500";
    const pass = await plan(`echo '${phase}'; echo '${warmup}'; echo '${phase}'; while :; do :; done`, {
      deadlines: {
        startMs: () => 60_000,
        measureMs: (_plan, inferenceMs) => {
          told.push(inferenceMs);
          return 100;
        },
      },
    });
    const end = await runPhonePass(phone, pass);
    expect(end).toMatchObject({ overdue: "measuring", exitCode: 137 });
    expect(told).toEqual([2.5]);
    expect(isAlive(end.pid!)).toBe(false);
  });

  it("has the time of its measured runs whatever its start was given", async () => {
    const pass = await plan(`echo '${phase}'; echo '${phase}'; sleep 1; echo done`, {
      deadlines: { startMs: () => 800, measureMs: () => 60_000 },
    });
    expect(await runPhonePass(phone, pass)).toMatchObject({ overdue: null, exitCode: 0 });
  });

  it("is gone when a cancelled pass rejects, even where it survives the end of its connection", async () => {
    const stop = new AbortController();
    const script = `trap '' HUP; echo ready >${phone.root}/ready; while :; do sleep 0.05; done`;
    const running = runPhonePass(phone, await plan(script, { signal: stop.signal }));
    while (!existsSync(`${phone.root}/ready`)) await new Promise((resolve) => setTimeout(resolve, 5));
    const pid = Number(readFileSync(phone.locate(pidPath(owner)), "utf8").split(" ")[0]);
    expect(isAlive(pid)).toBe(true);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
    expect(isAlive(pid)).toBe(false);
  });

  it("lost with its phone tells what it had said", async () => {
    const running = runPhonePass(
      phone,
      await plan("echo half; echo why >&2; touch ../ready; while :; do sleep 0.05; done"),
    );
    while (!existsSync(phone.locate(`${phoneFolder}/ready`)))
      await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    phone.lose();
    const end = await running;
    expect(end).toMatchObject({ exitCode: null, stdout: "half\n", stderr: "why\n" });
    expect(end.lost!.code).toBe("phone-lost");
  });
});

describe("a benchmark left on a phone", () => {
  const linger = "touch ../ready; while :; do sleep 0.05; done";

  async function leave(): Promise<{ pid: number; ended: Promise<unknown> }> {
    const ended = runPhonePass(phone, await plan(linger));
    while (!existsSync(phone.locate(`${phoneFolder}/ready`)))
      await new Promise((resolve) => setTimeout(resolve, 5));
    return { pid: Number(readFileSync(phone.locate(pidPath(owner)), "utf8").split(" ")[0]), ended };
  }

  it("is ended by its note, once", async () => {
    const { pid, ended } = await leave();
    expect(await endBenchmark(phone, "another owner")).toBeNull();
    expect(isAlive(pid)).toBe(true);
    expect(await endBenchmark(phone, owner)).toBe(pid);
    expect(isAlive(pid)).toBe(false);
    expect(await endBenchmark(phone, owner)).toBeNull();
    await ended;
  });

  it("is not taken for a later process of the same number", async () => {
    const { pid, ended } = await leave();
    const [, start] = readFileSync(phone.locate(pidPath(owner)), "utf8")
      .trim()
      .split(" ");
    expect(start).toMatch(/^\d+$/);
    await phone.push(Buffer.from(`${pid} ${Number(start) + 1}\n`), pidPath(owner), 0o644);
    expect(await endBenchmark(phone, owner)).toBeNull();
    expect(isAlive(pid)).toBe(true);
    // One that does not run from the lab's folder is nobody of ours either.
    await phone.push(Buffer.from(`${process.pid} \n`), pidPath(owner), 0o644);
    expect(await endBenchmark(phone, owner)).toBeNull();
    process.kill(pid, "SIGKILL");
    await ended;
  });

  it("is not looked for by a note that is none", async () => {
    for (const note of ["", "-1 5", "1; touch x", "\n"]) {
      await phone.push(Buffer.from(note), pidPath(owner), 0o644);
      expect(await endBenchmark(phone, owner)).toBeNull();
    }
    expect(existsSync(`${phone.root}/x`)).toBe(false);
  });

  it("has the name of one lab on one phone", () => {
    expect(nameOwner("/lab", "a")).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set([nameOwner("/lab", "a"), nameOwner("/lab", "b"), nameOwner("/other", "a")]).size).toBe(3);
    expect(nameOwner("/lab", "a")).toBe(nameOwner("/lab", "a"));
  });
});
