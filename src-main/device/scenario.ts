import { badRequest } from "../lab/errors.ts";
import type { Precision, Runtime } from "../lab/contract.ts";

/** Where, on which cores or on the GPU, at which precision and by which runtime a network is measured. */
export interface Scenario {
  device: string;
  /** A core set's name, or `gpu`. */
  cores: string;
  precision: Precision;
  runtime: Runtime;
}

const precisions: readonly string[] = ["float32", "float16", "int8"];
const runtimes: readonly string[] = ["tflite", "xnnpack", "gpu-cl", "torch"];

/** Writes a scenario's id, e.g. `host/2core/float32/tflite`. */
export function formatScenario(scenario: Scenario): string {
  return `${scenario.device}/${scenario.cores}/${scenario.precision}/${scenario.runtime}`;
}

/** Reads a scenario's id; rejects with `bad-request` naming the part that is wrong. The device id may hold slashes. */
export function parseScenario(id: string): Scenario {
  const parts = id.split("/");
  const form = "It reads device/cores/precision/runtime, e.g. host/1core/float32/tflite.";
  if (parts.length < 4 || parts.some((part) => part === ""))
    throw badRequest(`${JSON.stringify(id)} is not a scenario id`, form);
  const runtime = parts.pop()!;
  const precision = parts.pop()!;
  const cores = parts.pop()!;
  if (!runtimes.includes(runtime))
    throw badRequest(
      `${JSON.stringify(id)} names no known runtime: ${runtime}`,
      `Choose ${runtimes.join(", ")}.`,
    );
  if (!precisions.includes(precision))
    throw badRequest(
      `${JSON.stringify(id)} names no known precision: ${precision}`,
      `Choose ${precisions.join(", ")}.`,
    );
  return { device: parts.join("/"), cores, precision: precision as Precision, runtime: runtime as Runtime };
}
