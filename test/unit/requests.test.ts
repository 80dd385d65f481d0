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
  ] as const)("%s names what is wrong in %j: %s", (call, request, field) => {
    const error = refuse(call, request);
    expect(error.code).toBe("bad-request");
    expect(error.message).toContain(`${call} was given a wrong ${field}:`);
    expect(error.hint).toContain(field);
  });

  it.each([null, undefined, 3, "text", []])("refuses %j where an object is needed", (request) => {
    for (const call of labCalls) {
      const optional = ["models", "info", "devices", "runs", "scenarios", "predictors", "jobs"].includes(
        call,
      );
      if (!optional) expect(refuse(call, request).code, call).toBe("bad-request");
    }
  });

  it("gives what is right unchanged, without what nobody asked for", () => {
    expect(parseRequest("startRun", { ...run, surprise: 1 })).toEqual(run);
    expect(parseRequest("models", undefined)).toBeUndefined();
    expect(parseRequest("models", null)).toBeUndefined();
    expect(parseRequest("models", { kind: "file" })).toEqual({ kind: "file" });
    expect(parseRequest("info", { anything: 1 })).toBeUndefined();
  });
});
