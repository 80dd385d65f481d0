/**
 * The one contract between the lab and its doors (window, browser, CLI, tests). JSON-only types: whatever is here crosses
 * any transport as it stands. Latencies are in milliseconds (`…Ms`), sizes in bytes (`…Bytes`), times ISO 8601.
 */
import type { ErrorCode } from "./errors.ts";

export type Precision = "float32" | "float16" | "int8";
export type Runtime = "tflite" | "xnnpack" | "gpu-cl";
export type LearnerName = "lasso" | "boosting";
export type LearnerChoice = LearnerName | "auto";
/** What accuracy tables compare: our learners and the FLOPs-only line every table carries. */
export type EvaluatedLearner = LearnerChoice | "flops";
export type Protocol = "random" | "family";

export interface LabInfo {
  version: string;
  node: string;
  /** The lab's data folder. */
  folder: string;
  /** Why this computer cannot measure, or null when it can. */
  hostProblem: string | null;
  platform: string;
}

export interface Cluster {
  name: string;
  cpus: number[];
  maxMhz: number | null;
}

export interface CoreSet {
  name: string;
  /** Hexadecimal affinity mask as `taskset` takes it, e.g. `0x3`. */
  mask: string;
  cpus: number[];
}

/** The speed the device shows now compared with its best known one. */
export interface SpeedState {
  at: string;
  coreSet: string;
  canaryMs: number;
  referenceMs: number;
  state: "fast" | "slow";
}

export interface Device {
  id: string;
  name: string;
  kind: "host" | "adb";
  state: "ready" | "busy" | "unavailable";
  /** Why it is unavailable and what to do, else null. */
  problem: string | null;
  soc: string;
  gpu: string | null;
  abi: string;
  os: string;
  memoryBytes: number;
  clusters: Cluster[];
  coreSets: CoreSet[];
  runtimes: Runtime[];
  precisions: Precision[];
  /** Version and hash of the runtime library, null when there is none. */
  runtimeVersion: string | null;
  load: number | null;
  temperatureC: number | null;
  frequencyMhz: number | null;
  /** Median relative spread (percent) of networks measured in several cells, per scenario id; empty before any repetition. */
  noiseFloor: Record<string, number>;
  speed: SpeedState[];
}

export interface TensorSummary {
  shape: number[];
  dtype: string;
}

export interface ModelSummary {
  name: string;
  family: string;
  kind: "zoo" | "sampled" | "file";
  ops: number;
  flops: number;
  params: number;
  bytes: number;
  /** SHA-256 of the .tflite file, hexadecimal; of a sampled network, of the recipe its file is written from. */
  hash: string;
  addedAt: string;
  /** Scenario ids it has been measured on. */
  measuredOn: string[];
}

export interface OpDetail {
  index: number;
  /** Operator name; a custom operator by its own. */
  op: string;
  custom: boolean;
  /** Index of the subgraph it belongs to; 0 is the entry. */
  subgraph: number;
  inputs: number[][];
  outputs: number[][];
  inputTensors: number[];
  outputTensors: number[];
  attributes: Record<string, number | string | boolean | null | number[] | string[]>;
  /** Null when the operator cannot be costed. */
  flops: number | null;
  params: number;
  /** Bytes read and written by the op: inputs, weights, outputs. */
  bytes: number;
}

export interface ModelDetail {
  name: string;
  description: string;
  inputs: TensorSummary[];
  outputs: TensorSummary[];
  ops: OpDetail[];
  flops: number;
  params: number;
  bytes: number;
  subgraphs: number;
  quantized: boolean;
  sparse: boolean;
  dynamic: boolean;
  /** Operators without a cost (custom ones and those whose work depends on data), with their count. */
  uncosted: { op: string; count: number }[];
}

export interface ModelFilter {
  text?: string;
  family?: string;
  kind?: ModelSummary["kind"];
}

export interface SampleRequest {
  count: number;
  seed: number;
  /** Also write the .tflite files into this folder. */
  out?: string;
  /** Keep them in the lab's library; default true. */
  keep?: boolean;
}

export interface BuildRequest {
  names: string[];
  precision: Precision;
  out: string;
}

export interface BuiltModel {
  name: string;
  path: string;
  bytes: number;
}

export interface RunRequest {
  device: string;
  coreSets: string[];
  precision: Precision;
  runtime: Runtime;
  /** Library names or .tflite paths. */
  models: string[];
  /** Cells of one model and scenario; default 1. More give the noise floor. */
  repetitions?: number;
  seed?: number;
  thoroughness?: Thoroughness;
}

/** How long a cell is measured: inferences to keep and the deadline. */
export type Thoroughness = "quick" | "standard" | "thorough";

export type CellState = "empty" | "running" | "done" | "noisy" | "failed";

export interface RunSummary {
  id: number;
  device: string;
  scenarios: string[];
  state: "running" | "paused" | "done" | "failed";
  models: number;
  cells: number;
  done: number;
  noisy: number;
  failed: number;
  createdAt: string;
  finishedAt: string | null;
  thoroughness: Thoroughness;
  /** The job that works on it now, or null. */
  job: number | null;
  etaMs: number | null;
}

export interface CellSummary {
  id: number;
  model: string;
  scenario: string;
  repetition: number;
  state: CellState;
  attempts: number;
  /** Median of the kept samples. */
  latencyMs: number | null;
  /** Half the interquartile range of the kept samples. */
  spreadMs: number | null;
  kept: number;
  total: number;
  error: string | null;
}

export interface RunDetail extends RunSummary {
  cellList: CellSummary[];
}

export interface Sample {
  /** Offset from the start of the measurement. */
  atMs: number;
  ms: number;
  canaryBeforeMs: number | null;
  canaryAfterMs: number | null;
  /** Time its threads waited for a core that another process had; null where the system does not tell. */
  waitedMs: number | null;
  kept: boolean;
}

export interface OpTime {
  op: number;
  type: string;
  ms: number;
}

export interface Provenance {
  modelHash: string;
  runtimeHash: string;
  runtimeVersion: string;
  flags: string[];
  coreMask: string;
  frequencyMhzBefore: number | null;
  frequencyMhzAfter: number | null;
  loadBefore: number | null;
  loadAfter: number | null;
  temperatureCBefore: number | null;
  temperatureCAfter: number | null;
  startedAt: string;
  finishedAt: string;
  canaryReferenceMs: number | null;
  peakMemoryBytes: number | null;
  initMs: number | null;
  firstInferenceMs: number | null;
}

export interface Measurement {
  cell: CellSummary;
  run: number;
  samples: Sample[];
  /** Median per-op times of kept inferences of the second pass; empty when the runtime gave none. */
  opTimes: OpTime[];
  provenance: Provenance | null;
  stderr: string;
}

export interface ScenarioSummary {
  id: string;
  device: string;
  cores: string;
  precision: Precision;
  runtime: Runtime;
  models: number;
  opRows: number;
  /** Median relative spread (percent) between cells of the same model, null without repetitions. */
  noisePercent: number | null;
  /** Predictor in use, or null. */
  predictor: number | null;
}

export interface FitRequest {
  scenario: string;
  learner?: LearnerChoice;
  /** Train on these only. */
  models?: string[];
  exclude?: string[];
  seed?: number;
}

export interface Scores {
  models: number;
  mape: number;
  medianApe: number;
  /** Share (percent) of models within 5 % and 10 % of the measurement. */
  within5: number;
  within10: number;
  /** Rank correlation; null below three models. */
  spearman: number | null;
}

export interface ClassScores {
  kernel: string;
  rows: number;
  learner: string;
  /** Median absolute percentage error over rows, cross-validated; null for a class too small to validate. */
  medianApe: number | null;
  /** Share (percent) of the measured time this class takes. */
  timeShare: number;
  /** Why a simpler model stands in, or null. */
  fallback: string | null;
}

export interface PredictorSummary {
  id: number;
  scenario: string;
  learner: LearnerChoice;
  rows: number;
  models: number;
  seed: number;
  fitMs: number;
  createdAt: string;
  crossValidated: Scores;
  baseline: Scores;
  /** Why it cannot be used by this version, or null. */
  problem: string | null;
}

/** A network with what was measured and what a predictor that had not seen it said. */
export interface PredictedPoint {
  model: string;
  family: string;
  flops: number;
  measuredMs: number;
  predictedMs: number;
  lowMs: number;
  highMs: number;
}

export interface PredictorDetail extends PredictorSummary {
  classes: ClassScores[];
  /** Cross-validated: each network predicted by a fit without it. */
  points: PredictedPoint[];
  trainedOn: string[];
  /** Measured networks that were not learnt from, because the device was disturbed while it measured them. */
  leftOut: { model: string; reason: string }[];
  overheadMs: number;
}

export interface PredictRequest {
  /** Library names or .tflite paths. */
  models: string[];
  scenario: string;
  ops?: boolean;
  /** A certain predictor instead of the newest of the scenario. */
  predictor?: number;
}

export interface OpPrediction {
  index: number;
  op: string;
  kernel: string;
  ms: number;
  lowMs: number;
  highMs: number;
  /** Features outside the range seen in training, in words; empty when inside. */
  extrapolated: string[];
}

export interface Prediction {
  model: string;
  scenario: string;
  predictor: number;
  latencyMs: number;
  lowMs: number;
  highMs: number;
  overheadMs: number;
  /** Operators whose time is not in the prediction, with the reason. */
  uncovered: { index: number; op: string; reason: string }[];
  ops: OpPrediction[];
  /** What was measured for the same model and scenario, or null. */
  measuredMs: number | null;
  measuredOps: OpTime[];
  /** The predictor was fitted on this model: how well it agrees with the measurement proves nothing. */
  learntFrom: boolean;
}

export interface EvaluateRequest {
  scenario: string;
  protocol?: Protocol;
  trainSizes?: number[];
  splits?: number;
  seed?: number;
  learners?: EvaluatedLearner[];
}

export interface EvaluationRow extends Scores {
  learner: EvaluatedLearner;
  protocol: Protocol;
  trainSize: number;
  splits: number;
}

export interface Evaluation {
  scenario: string;
  rows: EvaluationRow[];
  predictions: (PredictedPoint & { learner: EvaluatedLearner; trainSize: number; split: number })[];
  classes: { learner: EvaluatedLearner; kernel: string; rows: number; medianApe: number; mape: number }[];
  /** One sentence on what more training networks would bring. */
  outlook: string | null;
}

export interface ValidateRequest {
  models: string[];
  scenario: string;
  thoroughness?: Thoroughness;
}

export interface Validation {
  model: string;
  scenario: string;
  predictedMs: number;
  lowMs: number;
  highMs: number;
  measuredMs: number;
  /** (predicted − measured) / measured, as a fraction. */
  error: number;
  insideInterval: boolean;
  noisy: boolean;
  /** The predictor was fitted on this model: that they agree proves nothing. */
  learntFrom: boolean;
}

export interface DemoRequest {
  quick?: boolean;
  seed?: number;
  /** Where report.html goes. */
  report?: string;
}

export interface DemoScenario {
  scenario: string;
  rows: number;
  fitMs: number;
  learners: ({ learner: EvaluatedLearner } & Scores)[];
  best: EvaluatedLearner;
  mape: number;
  baselineMape: number;
  /** Median relative spread (percent) of repeated measurement on this scenario. */
  noise: number | null;
  trainedOn: number;
  worst: PredictedPoint[];
  closest: PredictedPoint[];
  points: PredictedPoint[];
  slowState: boolean;
}

export interface DemoResult {
  device: Device;
  scenarios: DemoScenario[];
  seconds: number;
  report: string;
  breakdown: Prediction | null;
  /** What a reader must know about the machine during the demo, e.g. that it was slow throughout. */
  remarks: string[];
}

export type JobKind = "sample" | "build" | "profile" | "fit" | "evaluate" | "validate" | "demo";

export type JobState =
  | { state: "queued" }
  | { state: "running"; done: number; total: number; etaMs: number | null; note: string }
  | { state: "done" }
  | { state: "failed"; error: { code: ErrorCode; message: string; hint: string } }
  | { state: "cancelled" };

export interface Job {
  id: number;
  kind: JobKind;
  title: string;
  startedAt: string;
  progress: JobState;
  /** The run it works on, for profile and validate. */
  run: number | null;
}

/** Result of a job by its kind. */
export interface JobResults {
  sample: ModelSummary[];
  build: BuiltModel[];
  profile: RunSummary;
  fit: PredictorSummary;
  evaluate: Evaluation;
  validate: Validation[];
  demo: DemoResult;
}

export type LabEvent =
  | { type: "job"; job: Job }
  | { type: "run"; run: RunSummary }
  | { type: "cell"; run: number; cell: CellSummary }
  | { type: "models" }
  | { type: "predictors" }
  | { type: "devices" };

export interface Started<K extends JobKind> {
  job: number;
  kind: K;
}

/** Everything the lab can do. Calls reject with a LabError; `start…` calls return at once with the job's id. */
export interface Lab {
  info(): Promise<LabInfo>;
  devices(): Promise<Device[]>;
  /** Runs the canary on each core set of the device for about a second each and tells its state. */
  checkSpeed(request: { device: string }): Promise<SpeedState[]>;

  models(filter?: ModelFilter): Promise<ModelSummary[]>;
  inspect(request: { models: string[] }): Promise<ModelDetail[]>;
  addModels(request: { paths: string[] }): Promise<ModelSummary[]>;
  /** For a browser, which has no paths: the file's bytes in base64. */
  addModelFile(request: { name: string; base64: string }): Promise<ModelSummary>;
  removeModels(request: { names: string[] }): Promise<{ removed: number }>;
  startSample(request: SampleRequest): Promise<Started<"sample">>;
  startBuild(request: BuildRequest): Promise<Started<"build">>;

  runs(): Promise<RunSummary[]>;
  run(request: { run: number }): Promise<RunDetail>;
  startRun(request: RunRequest): Promise<Started<"profile"> & { run: number }>;
  /** Fills the cells that are still empty; with `retry` also failed and noisy ones. */
  resumeRun(request: { run: number; retry?: boolean }): Promise<Started<"profile"> & { run: number }>;
  removeRun(request: { run: number }): Promise<{ removed: number }>;
  measurement(request: { cell: number }): Promise<Measurement>;
  scenarios(): Promise<ScenarioSummary[]>;
  /** All measurements of a scenario (or of everything) as CSV text with a header line. */
  exportMeasurements(request: { scenario?: string; ops?: boolean }): Promise<{ csv: string; rows: number }>;

  predictors(): Promise<PredictorSummary[]>;
  predictor(request: { predictor: number }): Promise<PredictorDetail>;
  removePredictor(request: { predictor: number }): Promise<{ removed: number }>;
  startFit(request: FitRequest): Promise<Started<"fit">>;
  predict(request: PredictRequest): Promise<Prediction[]>;
  startEvaluate(request: EvaluateRequest): Promise<Started<"evaluate">>;
  startValidate(request: ValidateRequest): Promise<Started<"validate">>;
  startDemo(request: DemoRequest): Promise<Started<"demo">>;

  jobs(): Promise<Job[]>;
  cancelJob(request: { job: number }): Promise<Job>;
  /** Waits for a job and gives its result; rejects with the job's error, or `cancelled`. */
  jobResult<K extends JobKind>(request: { job: number; kind: K }): Promise<JobResults[K]>;

  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: LabEvent) => void): () => void;
}
