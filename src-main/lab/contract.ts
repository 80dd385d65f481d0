/**
 * The one contract between the lab and its doors (window, browser, CLI, tests). JSON-only types: whatever is here crosses
 * any transport as it stands. Latencies are in milliseconds (`…Ms`), sizes in bytes (`…Bytes`), times ISO 8601.
 */
import type { ErrorCode } from "./errors.ts";

export type Precision = "float32" | "float16" | "int8";
/** `torch` is PyTorch Mobile, of which there are published measurements only. */
export type Runtime = "tflite" | "xnnpack" | "gpu-cl" | "torch";
export type LearnerName = "lasso" | "forest" | "boosting" | "perceptron" | "linear-boosting";
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

/**
 * `ready` and `busy` can be measured; `probing` is being asked what it is; the next five are adb's own states; `absent` was
 * here before; `unavailable` is anything else.
 */
export type DeviceState =
  | "ready"
  | "busy"
  | "probing"
  | "unauthorized"
  | "offline"
  | "no-permissions"
  | "recovery"
  | "sideload"
  | "absent"
  | "unavailable";

/** What only a phone has; each field is null where the phone does not tell. */
export interface PhoneDetail {
  /** As its adb server names it. */
  serial: string;
  /** The adb server it is on, `host:port`. */
  server: string;
  manufacturer: string | null;
  model: string | null;
  androidVersion: string | null;
  sdk: number | null;
  /** Build fingerprint. */
  fingerprint: string | null;
  /** All ABIs, best first. */
  abis: string[];
  offlineCpus: number[];
  /** Path of the OpenCL library; null when there is none or it cannot be told. */
  openClLibrary: string | null;
  /** `none`, `light`, `moderate`, `severe`, `critical`, `emergency` or `shutdown`. */
  thermalStatus: ThermalStatus | null;
  batteryPercent: number | null;
  batteryTemperatureC: number | null;
  charging: boolean | null;
  screenOn: boolean | null;
  lowPower: boolean | null;
  /** Free space where models are put. */
  freeBytes: number | null;
  /** Hash of the benchmark binary that would run on it, or null when there is none for its ABI. */
  binary: string | null;
}

export type ThermalStatus = "none" | "light" | "moderate" | "severe" | "critical" | "emergency" | "shutdown";

export interface Device {
  /** `host`; a phone's serial; `serial@host:port` for a phone on a further adb server. */
  id: string;
  name: string;
  /** `published`: known by published measurements only; it is always absent and cannot be measured. */
  kind: "host" | "adb" | "published";
  state: DeviceState;
  /** Why it cannot be measured and what to do, else null. */
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
  /** Null for this computer. */
  phone: PhoneDetail | null;
}

/** An adb server the lab looks for phones on. */
export interface AdbServerState {
  /** `host:port`. */
  address: string;
  local: boolean;
  state: "connected" | "connecting" | "unreachable";
  /** What is wrong and what to do, or null. */
  problem: string | null;
  phones: number;
}

/** How phones are reached: the adb program of this computer and the servers. */
export interface AdbState {
  /** Path of the adb program, or null when none was found. */
  path: string | null;
  /** Where it was found: the setting, an environment variable, PATH or a usual place. */
  source: string | null;
  /** adb's own version line. */
  version: string | null;
  /** What is missing and how to install it, or null. */
  problem: string | null;
  servers: AdbServerState[];
}

export interface LabSettings {
  /** Path of the adb program; null looks in the usual places. */
  adbPath: string | null;
  /** Further adb servers, `host:port`. */
  adbServers: string[];
  /** Addresses of phones on Wi-Fi to connect again by themselves, `host:port`. */
  wifiPhones: string[];
  /** How much room models may take on a phone; the oldest go first. */
  phoneCacheBytes: number;
  /** A phone is left to cool until its battery is at most this warm. */
  startTemperatureC: number;
}

/** A benchmark program for phones that the lab holds. */
export interface BenchmarkBinary {
  /** SHA-256, hexadecimal. */
  hash: string;
  name: string;
  bytes: number;
  /** `arm64-v8a`, `armeabi-v7a`, `x86_64`, `x86`; null for a program that is not ELF, e.g. a script. */
  abi: string | null;
  /** The path it was added from, or the address it was downloaded from. */
  source: string;
  addedAt: string;
  /** A downloaded one does not run before its user has approved it. */
  approved: boolean;
  /** The one that runs on phones of its ABI. */
  inUse: boolean;
}

/** A published benchmark program, not downloaded yet. */
export interface PublishedBinary {
  abi: string;
  name: string;
  url: string;
  publisher: string;
  license: string;
  /** What the publisher or the list says the file's SHA-256 is; null where it changes from night to night. */
  hash: string | null;
  note: string;
}

export type PreflightState = "ok" | "warning" | "failed" | "unknown";

/** What a button beside a check does on the phone. */
export type RemedyName =
  | "install-binary"
  | "free-space"
  | "wake-screen"
  | "stay-awake"
  | "low-power-off"
  | "fixed-performance"
  | "stop-benchmarks";

/** One line of the preflight list. */
export interface PreflightCheck {
  /** Stable name, e.g. `screen`, `core-mask`. */
  id: string;
  title: string;
  /** `failed` stops a run from starting, `warning` does not, `unknown` could not be asked. */
  state: PreflightState;
  /** What was found, in words. */
  detail: string;
  /** What to do about it, or null when nothing. */
  remedy: string | null;
  /** What a button can do about it, or null. */
  action: RemedyName | null;
}

export interface TensorSummary {
  shape: number[];
  dtype: string;
}

export interface ModelSummary {
  name: string;
  family: string;
  /** `published`: known by published measurements only; there is no graph of it. */
  kind: "zoo" | "sampled" | "file" | "published";
  ops: number;
  flops: number;
  params: number;
  bytes: number;
  /** SHA-256 of the .tflite file, hexadecimal; of a sampled network or one of the zoo, of the recipe its file is written from. */
  hash: string;
  /** Null for a network of the zoo that nothing was done with yet. */
  addedAt: string | null;
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
  /** Authors, year and title of the paper it is from, or null. */
  paper: string | null;
  inputs: TensorSummary[];
  outputs: TensorSummary[];
  /** Their places in the entry graph, as the ops' `inputTensors` and `outputTensors` name them. */
  inputTensors: number[];
  outputTensors: number[];
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

export interface KernelsRequest {
  /** Names of the library and the zoo, patterns, encodings of search spaces (`nb201:…`) or .tflite paths. */
  models: string[];
  /** `cpu`, or `gpu:` with the GPU's name as its driver gives it: `gpu:Adreno (TM) 640`. */
  target: string;
  /** Of the CPU; default `tflite`. */
  runtime?: "tflite" | "xnnpack";
  /** Default `float32` on a CPU, `float16` on a GPU; `int8` takes the quantised form of the network. */
  precision?: Precision;
}

/** One kernel that would run. */
export interface KernelDetail {
  /** Kernels of one class share a regressor; null when nothing can predict its time. */
  class: string | null;
  /** Which implementation of its class; null on a CPU. */
  variant: string | null;
  /** Indices of the ops of the entry graph it runs, the one that does the work first. */
  ops: number[];
  /** A sentence for each decision that led to it. */
  why: string[];
}

/** What the rules of GPU kernels know of a GPU. */
export interface GpuSummary {
  name: string;
  vendor: string;
  /** Empty for vendors whose GPUs the rules tell apart no further. */
  generation: string;
  computeUnits: number;
  /** False when the name does not tell and `computeUnits` is a usual number. */
  computeUnitsKnown: boolean;
  /** Which rules apply to it, in words. */
  rules: string;
}

/** What a target runs of a model's entry graph. */
export interface ModelKernels {
  model: string;
  target: string;
  precision: Precision;
  /** Null for a CPU. */
  gpu: GpuSummary | null;
  /** In order of execution; of a GPU those it runs. */
  kernels: KernelDetail[];
  /** Ops a GPU leaves to the CPU; empty for a CPU. */
  cpu: { index: number; op: string; reason: string }[];
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
  /** Names of the library and the zoo, patterns, encodings or paths; `all` is the whole zoo. */
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
  /** Names of the library and the zoo, patterns, encodings of search spaces (`nb201:…`) or .tflite paths. */
  models: string[];
  /** Cells of one model and scenario; default 1. More give the noise floor. */
  repetitions?: number;
  seed?: number;
  thoroughness?: Thoroughness;
}

/** What filled or tried to fill a cell, oldest first. */
export interface AttemptSummary {
  /** From 1, in the order they were made. */
  number: number;
  state: "done" | "noisy" | "failed";
  latencyMs: number | null;
  spreadMs: number | null;
  kept: number;
  total: number;
  error: string | null;
  startedAt: string | null;
  committedAt: string;
}

/** The device beside its measurements: one reading before or after a cell. */
export interface TelemetryPoint {
  at: string;
  cell: number;
  frequencyMhz: number | null;
  temperatureC: number | null;
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

/** What the benchmark told of many inferences where it does not tell each. */
export interface Aggregate {
  count: number;
  averageMs: number | null;
  minMs: number | null;
  maxMs: number | null;
  stdMs: number | null;
  medianMs: number | null;
  p5Ms: number | null;
  p95Ms: number | null;
}

/** What a delegate really took. */
export interface DelegateCoverage {
  /** As the runtime names it, e.g. `GPU`, `XNNPACK`. */
  name: string;
  /** What ran it, e.g. `OpenCL`, `OpenGL`; null when not told. */
  backend: string | null;
  coverage: "full" | "partial" | "none";
  /** Delegate kernels (partitions); null when not told. */
  partitions: number | null;
  /** Operators that stayed on the CPU, with the runtime's reason where it gives one. */
  left: string[];
}

/** Time of something the runtime ran that is not one op of the graph: a fused GPU kernel, an XNNPACK operator. */
export interface KernelTime {
  type: string;
  name: string;
  ms: number;
  /** Published kernels: the ops of the graph that its rows are, those that could be told. */
  ops?: number[];
  /** Published kernels: its rows among those published of the network. */
  rows?: number[];
}

/** Where a published measurement stands. */
export interface PublishedOrigin {
  dataSet: string;
  /** The file of the end-to-end latency, with its SHA-256 and line; null when only op times were published. */
  latency: PublishedPlace | null;
  /** That of the op times; null when there are none. */
  ops: PublishedPlace | null;
  meanMs: number | null;
  stdMs: number | null;
}

/** A line of a published file. */
export interface PublishedPlace {
  file: string;
  hash: string;
  line: number;
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
  /** Phones only from here on; absent on older measurements. */
  aggregate?: Aggregate | null;
  delegate?: DelegateCoverage | null;
  kernels?: KernelTime[];
  /** Affinity as the benchmark's own process had it, hexadecimal; null when it could not be read. */
  readBackMask?: string | null;
  binaryAbi?: string | null;
  fixedPerformance?: boolean;
  thermalStatusBefore?: ThermalStatus | null;
  thermalStatusAfter?: ThermalStatus | null;
  /** Time the phone was left to cool before this cell. */
  cooledMs?: number;
  /** Set for published measurements, of which nothing else here but `kernels` is known: texts are empty. */
  published?: PublishedOrigin;
}

export interface Measurement {
  cell: CellSummary;
  run: number;
  samples: Sample[];
  /** Median per-op times of kept inferences of the second pass; empty when the runtime gave none. */
  opTimes: OpTime[];
  provenance: Provenance | null;
  stderr: string;
  /** Every try at the cell with what happened to it. */
  attempts: AttemptSummary[];
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

/** How honest intervals are, on networks that the fit did not see. */
export interface IntervalScores {
  /** Percent of the measurements that lie in their prediction's interval; it is to be 90. Null without intervals. */
  inside: number | null;
  /** Median of how far intervals reach above their prediction, in percent. */
  halfWidth: number | null;
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
  /** What the learner goes by, most important first; left out by learners that cannot tell. */
  importance?: FeatureImportance[];
}

/** How much the predicted time of a kernel class hangs on a feature. */
export interface FeatureImportance {
  feature: string;
  unit: string;
  /** Percent of the importance of all features of the class. */
  share: number;
  /** What the feature is and why it matters. */
  words: string;
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
  /** True when it was fitted on end-to-end times alone, because no op of the scenario was timed. */
  endToEndOnly?: boolean;
}

export interface PredictRequest {
  /** Names of the library and the zoo, patterns, encodings of search spaces (`nb201:…`) or .tflite paths. */
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
  /** All ops the kernel runs, `index` first; left out when it runs that one alone. */
  ops?: number[];
  /** Why the runtime chooses this kernel, a sentence each; left out where nothing was to choose. */
  why?: string[];
  /** True when no op of the scenario was ever timed: the time is a share of what end-to-end times taught. */
  inferred?: boolean;
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

export interface EvaluationRow extends Scores, IntervalScores {
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

export interface ImportPublishedRequest {
  /** The data set's folder, or one inside it that holds its files. */
  path: string;
}

/** One file of the data set. */
export interface ImportedFile {
  name: string;
  /** SHA-256, hexadecimal. */
  hash: string;
  bytes: number;
  rows: number;
  networks: number;
  /** `known`: it was in the lab already, so nothing was read but its hash. */
  state: "imported" | "known";
}

export interface ImportResult {
  files: ImportedFile[];
  /** .csv files of the folder that are none of the data set's by their names. */
  ignored: string[];
  /** Published phones in the lab now, by id. */
  devices: string[];
  /** Published scenarios, networks and latencies in the lab now. */
  scenarios: number;
  networks: number;
  measurements: number;
  /** Published op times in the lab now, all scenarios together. */
  opTimes: number;
  /** Networks with a graph of the zoo. */
  withGraph: number;
  /** Names of networks that the zoo does not have: kept with their measurements, but nothing can be fitted on them. */
  withoutGraph: string[];
  /** Networks of the zoo with published op rows that are not ops of its graph, with their number; of the files read now. */
  unmatched: { network: string; rows: number }[];
}

export type JobKind =
  | "import"
  | "sample"
  | "build"
  | "profile"
  | "fit"
  | "evaluate"
  | "validate"
  | "demo"
  | "preflight"
  | "download";

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
  import: ImportResult;
  sample: ModelSummary[];
  build: BuiltModel[];
  profile: RunSummary;
  fit: PredictorSummary;
  evaluate: Evaluation;
  validate: Validation[];
  demo: DemoResult;
  preflight: PreflightCheck[];
  download: BenchmarkBinary;
}

export type LabEvent =
  | { type: "job"; job: Job }
  | { type: "run"; run: RunSummary }
  | { type: "cell"; run: number; cell: CellSummary }
  | { type: "models" }
  | { type: "predictors" }
  | { type: "devices" }
  | { type: "adb" }
  | { type: "binaries" }
  /** One check of a preflight that is under way. */
  | { type: "preflight"; device: string; check: PreflightCheck };

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

  /** How phones are reached; looks for adb again with `again`. */
  adb(request?: { again?: boolean }): Promise<AdbState>;
  settings(): Promise<LabSettings>;
  changeSettings(request: Partial<LabSettings>): Promise<LabSettings>;
  /** `adb pair`: the address and code that the phone shows under Wireless debugging. */
  pairPhone(request: { address: string; code: string }): Promise<{ message: string }>;
  /** `adb connect`, remembered in the settings. */
  connectPhone(request: { address: string }): Promise<{ device: string }>;
  disconnectPhone(request: { address: string }): Promise<{ removed: number }>;
  /** Checks a phone before a run; each check also comes as an event. Core sets default to each cluster's whole. */
  startPreflight(request: { device: string; coreSets?: string[] }): Promise<Started<"preflight">>;
  /** Does what the button beside a check says and checks that one again. */
  applyRemedy(request: { device: string; remedy: RemedyName }): Promise<PreflightCheck>;
  /** Removes everything the lab put on a phone. */
  cleanPhone(request: { device: string }): Promise<{ removedBytes: number }>;

  binaries(): Promise<BenchmarkBinary[]>;
  publishedBinaries(): Promise<PublishedBinary[]>;
  /** Takes the user's own program; it is approved and in use for its ABI. */
  addBinary(request: { path: string }): Promise<BenchmarkBinary>;
  /** Downloads a published one; it waits for approval. */
  startDownload(request: { url: string }): Promise<Started<"download">>;
  /** Approves a downloaded one, or takes another of the same ABI into use. */
  useBinary(request: { hash: string }): Promise<BenchmarkBinary>;
  removeBinary(request: { hash: string }): Promise<{ removed: number }>;

  /** The library's models in the order they were added, then the zoo's. */
  models(filter?: ModelFilter): Promise<ModelSummary[]>;
  inspect(request: { models: string[] }): Promise<ModelDetail[]>;
  /** The kernels a CPU or a GPU runs for models, each with the reasons. */
  kernels(request: KernelsRequest): Promise<ModelKernels[]>;
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
  /** Readings of frequency and temperature over a run, oldest first. */
  runTelemetry(request: { run: number }): Promise<TelemetryPoint[]>;
  scenarios(): Promise<ScenarioSummary[]>;
  /** All measurements of a scenario (or of everything) as CSV text with a header line. */
  exportMeasurements(request: { scenario?: string; ops?: boolean }): Promise<{ csv: string; rows: number }>;

  /** Reads the public mobile-ml-benchmark data set into the lab; what is there already stays as it is. */
  startImportPublished(request: ImportPublishedRequest): Promise<Started<"import">>;

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
