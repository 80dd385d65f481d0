/** One suite for the contract over every transport, on a real lab in a temporary folder. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Job, Lab, LabEvent, RunRequest } from "../../src-main/lab/contract.ts";
import { openLab, type OpenedLab } from "../../src-main/lab/lab.ts";
import {
  connectLab,
  createPortPair,
  portOfChannel,
  portOfSocket,
  serveLab,
  type ChannelPortLike,
  type ClosablePort,
  type ConnectedLab,
  type SocketLike,
} from "../../src-main/lab/wire.ts";
import { serve } from "../../src-main/server.ts";
import { makeElf } from "./programs.ts";
import { finish } from "./finish.ts";

/** Connects to a lab in one way; `breakOff` cuts the line from the lab's side. */
interface Line {
  port: ClosablePort;
  breakOff(): void;
  end(): Promise<void>;
}

const transports: Record<string, (lab: Lab, folder: string) => Promise<Line>> = {
  async "in-process"(lab) {
    const [near, far] = createPortPair();
    const stop = serveLab(lab, far);
    return { port: near, breakOff: () => far.close(), end: async () => stop() };
  },
  async "a message port"(lab) {
    const { port1, port2 } = new MessageChannel();
    const stop = serveLab(lab, portOfChannel(port2 as ChannelPortLike));
    const port = portOfChannel(port1 as ChannelPortLike);
    return {
      port,
      breakOff: () => port2.close(),
      async end() {
        stop();
        port.close();
      },
    };
  },
  async "a WebSocket"(lab, folder) {
    writeFileSync(join(folder, "index.html"), "<!doctype html>");
    const server = await serve({ lab, files: folder });
    const address = new URL("/wire", server.url);
    address.protocol = "ws:";
    const socket = new WebSocket(address, { origin: new URL(server.url).origin });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return {
      port: portOfSocket(socket as SocketLike),
      breakOff: () => void server.close(),
      async end() {
        socket.terminate();
        await server.close();
      },
    };
  },
};

/** Resolves with the first event that passes. */
function waitForEvent(lab: Lab, passes: (event: LabEvent) => boolean): Promise<LabEvent> {
  return new Promise((resolve) => {
    const stop = lab.subscribe((event) => {
      if (!passes(event)) return;
      stop();
      resolve(event);
    });
  });
}

describe.each(Object.keys(transports))("the contract over %s", (name) => {
  let folder: string;
  let opened: OpenedLab;
  let line: Line;
  let lab: ConnectedLab;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "latlab-contract-ünïcode "));
    opened = await openLab({ folder: join(folder, "lab") });
    line = await transports[name]!(opened, folder);
    lab = connectLab(line.port);
  });
  afterAll(async () => {
    lab.close();
    await line.end();
    await opened.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("tells what lab it is and what can be measured", async () => {
    const info = await lab.info();
    expect(info.folder).toBe(join(folder, "lab"));
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
    const [host] = await lab.devices();
    expect(host).toMatchObject({ id: "host", kind: "host" });
    expect(host!.coreSets.length).toBeGreaterThan(0);
    expect(host!.state).toBe(info.hostProblem === null ? "ready" : "unavailable");
  });

  it("samples networks as a job, tells of it by events, and inspects them", async () => {
    const seen: LabEvent[] = [];
    const stop = lab.subscribe((event) => seen.push(event));
    const models = await finish(lab, lab.startSample({ count: 5, seed: 7 }));
    expect(models.map((model) => model.name)).toEqual([0, 1, 2, 3, 4].map((index) => `nas-s7-000${index}`));
    const states = seen.flatMap((event) => (event.type === "job" ? [event.job.progress.state] : []));
    expect(states[0]).toBe("queued");
    expect(states).toContain("running");
    expect(states.at(-1)).toBe("done");
    expect(seen.some((event) => event.type === "models")).toBe(true);
    stop();
    const count = seen.length;
    expect(await lab.models({ kind: "sampled" })).toEqual(models);
    const again = await finish(lab, lab.startSample({ count: 5, seed: 7 }));
    expect(again).toEqual(models);
    expect(seen.length).toBe(count);

    const [detail] = await lab.inspect({ models: ["nas-s7-0002"] });
    expect(detail).toMatchObject({ name: "nas-s7-0002", flops: models[2]!.flops, params: models[2]!.params });
    expect(detail!.inputs).toEqual([{ shape: [1, 224, 224, 3], dtype: "float32" }]);
    expect(detail!.ops.length).toBe(models[2]!.ops);
  });

  it("writes the same files for the same seed, and adds files under their names", async () => {
    const first = join(folder, "first");
    const second = join(folder, "zweïtes");
    await finish(lab, lab.startSample({ count: 2, seed: 9, out: first, keep: false }));
    await finish(lab, lab.startSample({ count: 2, seed: 9, out: second }));
    expect(readdirSync(first).sort()).toEqual(["nas-s9-0000.tflite", "nas-s9-0001.tflite"]);
    for (const file of readdirSync(first))
      expect(readFileSync(join(first, file)).equals(readFileSync(join(second, file))), file).toBe(true);
    const built = await finish(
      lab,
      lab.startBuild({ names: ["nas-s9-*"], precision: "float32", out: join(folder, "built") }),
    );
    for (const { name: model, path } of built)
      expect(readFileSync(path).equals(readFileSync(join(first, `${model}.tflite`))), model).toBe(true);

    const path = join(folder, "mödel 1.tflite");
    writeFileSync(path, readFileSync(join(first, "nas-s9-0001.tflite")));
    const [added] = await lab.addModels({ paths: [path] });
    expect(added).toMatchObject({ name: "mödel 1", kind: "file", measuredOn: [] });
    const base64 = readFileSync(path).toString("base64");
    const sent = await lab.addModelFile({ name: "folder\\sent.tflite", base64 });
    expect(sent).toMatchObject({ name: "sent", hash: added!.hash, flops: added!.flops });
    expect(await lab.removeModels({ names: ["sent", "nobody"] })).toEqual({ removed: 1 });
    expect((await lab.models({ text: "sent" })).length).toBe(0);
  });

  it.each([
    [
      "predictor-missing",
      () => lab.predict({ models: ["nas-s7-0001"], scenario: "host/1core/float32/tflite" }),
    ],
    ["bad-request", () => lab.predict({ models: ["nas-s7-0001"], scenario: "host/1core" })],
    ["scenario-unknown", () => lab.startFit({ scenario: "host/1core/float32/tflite" })],
    ["scenario-unknown", () => lab.startEvaluate({ scenario: "host/1core/float32/tflite" })],
    ["predictor-missing", () => lab.startValidate({ models: ["a"], scenario: "host/1core/float32/tflite" })],
    ["predictor-missing", () => lab.predictor({ predictor: 99 })],
    ["model-unknown", () => lab.inspect({ models: ["nobody"] })],
    ["model-unreadable", () => lab.inspect({ models: [folder] })],
    ["model-unreadable", () => lab.addModelFile({ name: "a.tflite", base64: "QUJDREVGRw==" })],
    ["device-unknown", () => lab.checkSpeed({ device: "phone" })],
    ["run-unknown", () => lab.run({ run: 99 })],
    ["run-unknown", () => lab.resumeRun({ run: 99 })],
    ["run-unknown", () => lab.removeRun({ run: 99 })],
    ["bad-request", () => lab.measurement({ cell: 99 })],
    ["bad-request", () => lab.cancelJob({ job: 99 })],
    ["bad-request", () => lab.jobResult({ job: 99, kind: "fit" })],
    ["bad-request", () => lab.startSample({ count: -1, seed: 1 })],
    ["bad-request", () => lab.startSample({ count: 1, seed: 1, keep: false })],
    [
      "scenario-unsupported",
      () => lab.startBuild({ names: ["nas-s7-0000"], precision: "float16", out: folder }),
    ],
    ["model-unwritable", () => finish(lab, lab.startSample({ count: 1, seed: 1, out: "/dev/null/x" }))],
    ["scenario-unknown", () => lab.exportMeasurements({ scenario: "host/1core/float32/tflite" })],
    ["bad-request", () => lab.changeSettings({ startTemperatureC: -3 })],
    ["bad-request", () => lab.pairPhone({ address: "192.168.1.7:37001", code: "abc" })],
    ["adb-missing", () => lab.pairPhone({ address: "192.168.1.7:37001", code: "123456" })],
    ["adb-missing", () => lab.connectPhone({ address: "192.168.1.7:5555" })],
    ["bad-request", () => lab.disconnectPhone({ address: "192.168.1.7" })],
    ["device-unknown", () => lab.startPreflight({ device: "phone" })],
    ["bad-request", () => lab.startPreflight({ device: "host" })],
    ["device-unknown", () => lab.applyRemedy({ device: "phone", remedy: "wake-screen" })],
    ["device-unknown", () => lab.cleanPhone({ device: "phone" })],
    ["binary-unfit", () => lab.addBinary({ path: join(folder, "nowhere") })],
    ["bad-request", () => lab.startDownload({ url: "https://example.org/benchmark_model" })],
    ["bad-request", () => lab.useBinary({ hash: "0".repeat(64) })],
    ["bad-request", () => lab.removeBinary({ hash: "0".repeat(64) })],
    ["run-unknown", () => lab.runTelemetry({ run: 99 })],
  ] as const)("rejects with %s, one line and a way on: %s", async (code, call) => {
    const error: unknown = await call().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: "LabError", code });
    const { message, hint } = error as { message: string; hint: string };
    expect(message).not.toMatch(/\n|undefined|\[object|Error:/);
    expect(hint.length).toBeGreaterThan(10);
  });

  const wrongRuns: [string, Partial<RunRequest>][] = [
    ["device-unknown", { device: "phone" }],
    ["core-set-unknown", { coreSets: ["9999core"] }],
    ["core-set-unknown", { coreSets: ["gpu"] }],
    ["scenario-unsupported", { precision: "float16" }],
    ["scenario-unsupported", { runtime: "gpu-cl" }],
    ["model-unknown", { models: ["nobody"] }],
  ];
  it.each(wrongRuns)("refuses a run with %s before it exists: %j", async (code, change) => {
    const request: RunRequest = {
      device: "host",
      coreSets: [(await lab.devices())[0]!.coreSets[0]!.name],
      precision: "float32",
      runtime: "tflite",
      models: ["nas-s7-0000"],
    };
    await expect(lab.startRun({ ...request, ...change })).rejects.toMatchObject({ code });
    expect(await lab.runs()).toEqual([]);
  });

  it("keeps settings and benchmark programs, and tells of them", async () => {
    expect(await lab.settings()).toMatchObject({ adbServers: [], startTemperatureC: 38 });
    const told = waitForEvent(lab, (event) => event.type === "adb");
    const settings = await lab.changeSettings({ adbServers: ["lab-2:5037", "lab-2:5037"] });
    expect(settings.adbServers).toEqual(["lab-2:5037"]);
    expect(await lab.settings()).toEqual(settings);
    await told;
    // The tests' environment says that there are no phones.
    expect(await lab.adb()).toMatchObject({ path: null, servers: [] });
    expect(await lab.adb({ again: true })).toEqual(await lab.adb());
    expect((await lab.publishedBinaries()).length).toBeGreaterThan(0);
    const path = join(folder, "bench märk");
    writeFileSync(path, makeElf({ machine: 0xb7 }));
    const changed = waitForEvent(lab, (event) => event.type === "binaries");
    const added = await lab.addBinary({ path });
    await changed;
    expect(await lab.binaries()).toEqual([added]);
    expect(await lab.useBinary({ hash: added.hash })).toEqual(added);
    expect(await lab.removeBinary({ hash: added.hash })).toEqual({ removed: 1 });
    expect(await lab.binaries()).toEqual([]);
  });

  it("cancels a job: the waiting call rejects, the job says so, what was done is kept", async () => {
    const { job, kind } = await lab.startSample({ count: 100_000, seed: 11 });
    const progress = waitForEvent(
      lab,
      (event) =>
        event.type === "job" &&
        event.job.id === job &&
        event.job.progress.state === "running" &&
        event.job.progress.done > 0,
    );
    const result = lab.jobResult({ job, kind });
    const rejected = expect(result).rejects.toMatchObject({ code: "cancelled" });
    const queued = await lab.startSample({ count: 1, seed: 12 });
    await progress;
    const running = (await lab.jobs()).find((candidate: Job) => candidate.id === job)!;
    expect(running.progress).toMatchObject({ state: "running", total: 100_000 });
    await lab.cancelJob({ job });
    await rejected;
    expect((await lab.jobs()).find((candidate) => candidate.id === job)!.progress.state).toBe("cancelled");
    expect((await lab.jobResult(queued)).length).toBe(1);
  });

  it("answers what is no call or no message with bad-request, and goes on working", async () => {
    const answers: unknown[] = [];
    const stop = line.port.onMessage((text) => answers.push(JSON.parse(text)));
    const messages = [
      "not json",
      "[]",
      "null",
      '"text"',
      "{}",
      '{"id":"a","call":"info"}',
      '{"id":900001}',
      '{"id":900002,"call":"__proto__"}',
      '{"id":900003,"call":"constructor"}',
      '{"id":900004,"call":"close"}',
      '{"id":900005,"call":"run","request":{"run":{"$gt":0}}}',
    ];
    for (const message of messages) line.port.send(message);
    await expect.poll(() => answers.length).toBe(messages.length);
    stop();
    for (const answer of answers) expect(answer).toMatchObject({ error: { code: "bad-request" } });
    const ids = answers.map((answer) => (answer as { id: number | null }).id);
    expect(ids.sort()).toEqual([...new Array(6).fill(null), 900001, 900002, 900003, 900004, 900005].sort());
    expect((await lab.info()).folder).toBe(join(folder, "lab"));
  });

  it("rejects what is under way and what comes later once the line is cut", async () => {
    const { job, kind } = await opened.startSample({ count: 100_000, seed: 13 });
    const waiting = expect(lab.jobResult({ job, kind })).rejects.toMatchObject({ code: "disconnected" });
    await lab.info();
    line.breakOff();
    await waiting;
    await expect(lab.info()).rejects.toMatchObject({ code: "disconnected" });
    await opened.cancelJob({ job });
    expect(existsSync(join(folder, "lab", "lab.sqlite"))).toBe(true);
  });
});
