import { describe, expect, it } from "vitest";
import { LabError } from "../../src-main/lab/errors.ts";
import { parseRequest } from "../../src-main/lab/requests.ts";
import { labCalls, type LabCall } from "../../src-main/lab/wire.ts";

function refuse(call: LabCall, request: unknown): LabError {
  try {
    parseRequest(call, request);
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error(`${call} took ${JSON.stringify(request)}`);
}

const optional: LabCall[] = [
  ...(["models", "info", "devices", "runs", "scenarios", "predictors", "jobs"] as const),
  ...(["settings", "binaries", "publishedBinaries"] as const),
];

const run = { device: "host", coreSets: ["1core"], precision: "float32", runtime: "tflite", models: ["a"] };

describe("requests", () => {
  it.each([
    ["startSample", { count: 1.5, seed: 1 }, "count"],
    ["startSample", { count: 0, seed: 1 }, "count"],
    ["startSample", { count: 3 }, "seed"],
    ["startSample", { count: 3, seed: -1 }, "seed"],
    ["startSample", { count: 3, seed: 1, out: "" }, "out"],
    ["inspect", { models: [] }, "models"],
    ["inspect", { models: ["a", 3] }, "models.1"],
    ["inspect", { models: ["a\0b"] }, "models.0"],
    ["startRun", { ...run, precision: "float3" }, "precision"],
    ["startRun", { ...run, runtime: "onnx" }, "runtime"],
    ["startRun", { ...run, coreSets: [] }, "coreSets"],
    ["startRun", { ...run, thoroughness: "lazy" }, "thoroughness"],
    ["resumeRun", { run: "1" }, "run"],
    ["resumeRun", { run: 1, retry: 1 }, "retry"],
    ["measurement", { cell: NaN }, "cell"],
    ["startFit", { scenario: "s", learner: "magic" }, "learner"],
    ["predict", { models: ["a"] }, "scenario"],
    ["startEvaluate", { scenario: "s", trainSizes: [10, 0] }, "trainSizes.1"],
    ["addModelFile", { name: "a", base64: "not base64!" }, "base64"],
    ["jobResult", { job: 1, kind: "party" }, "kind"],
    ["adb", { again: 1 }, "again"],
    ["changeSettings", { adbPath: "" }, "adbPath"],
    ["changeSettings", { adbServers: ["lab-2"] }, "adbServers.0"],
    ["changeSettings", { adbServers: ["lab-2:5037", "lab 3:5037"] }, "adbServers.1"],
    ["changeSettings", { adbServers: ["lab-2:65536"] }, "adbServers.0"],
    ["changeSettings", { adbServers: ["$(reboot):5037"] }, "adbServers.0"],
    ["changeSettings", { wifiPhones: "192.168.1.7:5555" }, "wifiPhones"],
    ["changeSettings", { phoneCacheBytes: 1 }, "phoneCacheBytes"],
    ["changeSettings", { startTemperatureC: 500 }, "startTemperatureC"],
    ["changeSettings", { startTemperatureC: null }, "startTemperatureC"],
    ["pairPhone", { address: "192.168.1.7", code: "123456" }, "address"],
    ["pairPhone", { address: "192.168.1.7:37001", code: "12a456" }, "code"],
    ["pairPhone", { address: "192.168.1.7:37001", code: "" }, "code"],
    ["connectPhone", { address: "192.168.1.7:0" }, "address"],
    ["disconnectPhone", { address: "" }, "address"],
    ["startPreflight", { device: "a", coreSets: [] }, "coreSets"],
    ["applyRemedy", { device: "a", remedy: "reboot" }, "remedy"],
    ["cleanPhone", {}, "device"],
    ["addBinary", { path: "a\0b" }, "path"],
    ["startDownload", { url: 3 }, "url"],
    ["useBinary", { hash: "abc" }, "hash"],
    ["removeBinary", { hash: "../../etc/passwd" }, "hash"],
    ["runTelemetry", { run: 0 }, "run"],
  ] as const)("%s names what is wrong in %j: %s", (call, request, field) => {
    const error = refuse(call, request);
    expect(error.code).toBe("bad-request");
    expect(error.message).toContain(`${call} was given a wrong ${field}:`);
    expect(error.hint).toContain(field);
  });

  it.each([null, undefined, 3, "text", []])("refuses %j where an object is needed", (request) => {
    for (const call of labCalls) {
      // Nothing to ask for is all right there, anything else is not.
      if (call === "adb" && (request === null || request === undefined)) continue;
      if (!optional.includes(call)) expect(refuse(call, request).code, call).toBe("bad-request");
    }
  });

  it("gives what is right unchanged, without what nobody asked for", () => {
    expect(parseRequest("startRun", { ...run, surprise: 1 })).toEqual(run);
    expect(parseRequest("models", undefined)).toBeUndefined();
    expect(parseRequest("models", null)).toBeUndefined();
    expect(parseRequest("models", { kind: "file" })).toEqual({ kind: "file" });
    expect(parseRequest("info", { anything: 1 })).toBeUndefined();
    expect(parseRequest("adb", null)).toBeUndefined();
    expect(parseRequest("changeSettings", { adbPath: null, surprise: 1 })).toEqual({ adbPath: null });
    const address = "[fe80::1]:5555";
    expect(parseRequest("connectPhone", { address })).toEqual({ address });
  });
});
