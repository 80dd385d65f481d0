/** The shape of every request of the contract; whatever comes through a door is checked here before the lab acts on it. */
import { z } from "zod";
import { readAddress } from "../device/serverAddress.ts";
import type { Lab } from "./contract.ts";
import { badRequest } from "./errors.ts";
import type { LabCall } from "./wire.ts";

const id = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const seed = z.int().min(0).max(0xffffffff);
const text = z
  .string()
  .min(1)
  .max(4096)
  .refine((value) => !value.includes("\0"), "must not contain a NUL character");
const names = z.array(text).min(1).max(100_000);
const precision = z.enum(["float32", "float16", "int8"]);
const runtime = z.enum(["tflite", "xnnpack", "gpu-cl"]);
const thoroughness = z.enum(["quick", "standard", "thorough"]);
const learnerNames = ["lasso", "forest", "boosting", "perceptron", "linear-boosting"] as const;
const learner = z.enum([...learnerNames, "auto"]);
const jobKind = z.enum([
  ...(["import", "sample", "build", "profile", "fit", "evaluate", "validate", "demo"] as const),
  ...(["preflight", "download"] as const),
]);
const remedy = z.enum([
  ...(["install-binary", "free-space", "wake-screen", "stay-awake", "low-power-off"] as const),
  ...(["fixed-performance", "stop-benchmarks"] as const),
]);
const address = text
  .max(300)
  .refine((value) => readAddress(value, 0) !== null, "must be host:port, e.g. 192.168.1.7:5555");
const hash = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in 64 hexadecimal digits");
const none = z.unknown().transform(() => undefined);
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, "must be base64");

const requestShapes = {
  info: none,
  devices: none,
  runs: none,
  scenarios: none,
  predictors: none,
  jobs: none,
  checkSpeed: z.object({ device: text }),
  adb: z
    .object({ again: z.boolean().optional() })
    .nullish()
    .transform((request) => request ?? undefined),
  settings: none,
  changeSettings: z.object({
    adbPath: text.nullable().optional(),
    adbServers: z.array(address).max(32).optional(),
    wifiPhones: z.array(address).max(100).optional(),
    phoneCacheBytes: z.int().min(10_000_000).max(1_000_000_000_000).optional(),
    startTemperatureC: z.number().min(15).max(60).optional(),
  }),
  pairPhone: z.object({
    address,
    code: z.string().regex(/^\d{6}$/, "must be the six digits that the phone shows"),
  }),
  connectPhone: z.object({ address }),
  disconnectPhone: z.object({ address }),
  startPreflight: z.object({ device: text, coreSets: z.array(text).min(1).max(100).optional() }),
  applyRemedy: z.object({ device: text, remedy }),
  cleanPhone: z.object({ device: text }),
  binaries: none,
  publishedBinaries: none,
  addBinary: z.object({ path: text }),
  startDownload: z.object({ url: text }),
  useBinary: z.object({ hash }),
  removeBinary: z.object({ hash }),
  models: z
    .object({
      text: z.string().max(1000).optional(),
      family: z.string().max(1000).optional(),
      kind: z.enum(["zoo", "sampled", "file", "published"]).optional(),
    })
    .nullish()
    .transform((filter) => filter ?? undefined),
  inspect: z.object({ models: names }),
  kernels: z.object({
    models: names,
    target: text,
    runtime: z.enum(["tflite", "xnnpack"]).optional(),
    precision: precision.optional(),
  }),
  addModels: z.object({ paths: names }),
  addModelFile: z.object({ name: text, base64 }),
  removeModels: z.object({ names }),
  startSample: z.object({
    count: z.int().min(1).max(100_000),
    seed,
    out: text.optional(),
    keep: z.boolean().optional(),
  }),
  startBuild: z.object({ names, precision, out: text }),
  run: z.object({ run: id }),
  startRun: z.object({
    device: text,
    coreSets: z.array(text).min(1).max(100),
    precision,
    runtime,
    models: names,
    repetitions: z.int().min(1).max(1000).optional(),
    seed: seed.optional(),
    thoroughness: thoroughness.optional(),
  }),
  resumeRun: z.object({ run: id, retry: z.boolean().optional() }),
  removeRun: z.object({ run: id }),
  measurement: z.object({ cell: id }),
  runTelemetry: z.object({ run: id }),
  exportMeasurements: z.object({ scenario: text.optional(), ops: z.boolean().optional() }),
  startImportPublished: z.object({ path: text }),
  predictor: z.object({ predictor: id }),
  removePredictor: z.object({ predictor: id }),
  startFit: z.object({
    scenario: text,
    learner: learner.optional(),
    models: names.optional(),
    exclude: z.array(text).max(100_000).optional(),
    seed: seed.optional(),
  }),
  predict: z.object({ models: names, scenario: text, ops: z.boolean().optional(), predictor: id.optional() }),
  startEvaluate: z.object({
    scenario: text,
    protocol: z.enum(["random", "family"]).optional(),
    trainSizes: z.array(z.int().min(1).max(1_000_000)).min(1).max(100).optional(),
    splits: z.int().min(1).max(1000).optional(),
    seed: seed.optional(),
    learners: z
      .array(z.enum([...learnerNames, "auto", "flops"]))
      .min(1)
      .max(10)
      .optional(),
  }),
  startValidate: z.object({ models: names, scenario: text, thoroughness: thoroughness.optional() }),
  startDemo: z.object({ quick: z.boolean().optional(), seed: seed.optional(), report: text.optional() }),
  cancelJob: z.object({ job: id }),
  jobResult: z.object({ job: id, kind: jobKind }),
} satisfies { [K in LabCall]: z.ZodType<Parameters<Lab[K]>[0]> };

/** The request of `call` when it has the shape of the contract; throws `bad-request` naming the first wrong field. */
export function parseRequest<K extends LabCall>(call: K, request: unknown): Parameters<Lab[K]>[0] {
  const outcome = requestShapes[call].safeParse(request);
  if (outcome.success) return outcome.data as Parameters<Lab[K]>[0];
  const issue = outcome.error.issues[0];
  const field = issue?.path.map(String).join(".");
  const problem = issue?.message ?? "not as expected";
  throw badRequest(
    field
      ? `${call} was given a wrong ${field}: ${problem}`
      : `${call} was given a wrong request: ${problem}`,
    field ? `Correct ${field} and try again.` : "Give an object with the fields of the contract.",
  );
}

/** The same lab with every request checked before it is acted on. */
export function checkRequests(lab: Lab): Lab {
  const checked: Partial<Record<LabCall, (request?: unknown) => Promise<unknown>>> = {};
  for (const call of Object.keys(requestShapes) as LabCall[]) {
    const act = lab[call] as (request?: unknown) => Promise<unknown>;
    checked[call] = async (request) => act.call(lab, parseRequest(call, request));
  }
  return { ...checked, subscribe: lab.subscribe.bind(lab) } as Lab;
}
