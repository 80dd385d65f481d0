/** Codes a caller may branch on; they cross every transport unchanged. */
export type ErrorCode =
  | "model-unreadable"
  | "model-unknown"
  | "model-exists"
  | "model-unwritable"
  | "device-unknown"
  | "core-set-unknown"
  | "scenario-unknown"
  | "scenario-unsupported"
  | "runtime-missing"
  | "benchmark-failed"
  | "adb-missing"
  | "adb-unreachable"
  | "pairing-failed"
  | "phone-unavailable"
  | "phone-lost"
  | "phone-refused"
  | "preflight-failed"
  | "binary-missing"
  | "binary-unfit"
  | "download-failed"
  | "run-unknown"
  | "run-busy"
  | "predictor-missing"
  | "predictor-unreadable"
  | "too-little-data"
  | "lab-newer"
  | "lab-locked"
  | "lab-unwritable"
  | "lab-corrupt"
  | "disk-full"
  | "address-unavailable"
  | "data-unreadable"
  | "window-missing"
  | "bad-request"
  | "cancelled"
  | "disconnected"
  | "internal";

/** An error a user can act on: `message` says what and where, `hint` what to do next. Each is one line. */
export class LabError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string) {
    super(oneLine(message));
    this.name = "LabError";
    this.code = code;
    this.hint = oneLine(hint);
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** The file is not a .tflite that can be read; `where` names the table or byte that is wrong. */
export function modelUnreadable(path: string, where: string): LabError {
  return new LabError(
    "model-unreadable",
    `${path} is not a readable .tflite file: ${where}`,
    "Convert or download the model again; `latlab inspect` shows what can be read.",
  );
}

/** The file is not an .onnx that can be converted; `where` names the node that is wrong, `advice` what to do about it. */
export function onnxUnreadable(path: string, where: string, advice: string | null): LabError {
  return new LabError(
    "model-unreadable",
    `${path} cannot be read as ONNX: ${where}`,
    advice ?? "Export or download the model again, or convert it with another tool and add the .tflite file.",
  );
}

// Whatever was pasted is shown far enough to be known again.
function cutText(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

export function modelUnknown(name: string): LabError {
  return new LabError(
    "model-unknown",
    `There is no model named ${cutText(name, 200)} in this lab and no file at that path`,
    "List the models with `latlab models` (those of the zoo too), or give the path of a .tflite file.",
  );
}

export function modelExists(name: string): LabError {
  return new LabError(
    "model-exists",
    `The lab already holds another model named ${name}`,
    "Rename the file and add it again.",
  );
}

/** A file cannot have a name that the program gives a meaning of its own: a network of the zoo, an encoding. */
export function modelReserved(name: string): LabError {
  return new LabError(
    "model-exists",
    `${name} is the name of a network that Latency Lab builds itself`,
    "Rename the file and add it again.",
  );
}

/** Networks of the zoo come with the program. */
export function zooKept(name: string): LabError {
  return new LabError(
    "bad-request",
    `${name} is a network of the zoo, which comes with Latency Lab and cannot be removed`,
    "Remove sampled networks and files; what was measured goes with its run.",
  );
}

export function modelUnwritable(name: string, reason: string): LabError {
  return new LabError(
    "model-unwritable",
    `${name} cannot be written as .tflite: ${reason}`,
    "Choose a folder that can be written to, or a model without that operator.",
  );
}

/** Some of several models to build were not; what else was asked for is there. One alone is its own error. */
export function modelsUnbuilt(failures: readonly LabError[], asked: number): LabError {
  const [first] = failures;
  if (asked === 1) return first!;
  const reasons = failures.map(({ message }) => message).join("; ");
  return new LabError(
    "model-unwritable",
    `${failures.length} of ${asked} models were not built: ${reasons}`,
    failures.length < asked ? "The others were. Leave these out." : first!.hint,
  );
}

/** A network has no int8 form. */
export function modelUnquantizable(name: string, reason: string): LabError {
  return new LabError(
    "model-unwritable",
    `${name || "The model"} cannot be quantised to int8: ${reason}`,
    "Give a dense float32 network of one subgraph, or use the network at its own precision.",
  );
}

/** Models cannot be written at that precision; `model` is one that is not at it already. */
export function precisionUnsupported(precision: string, model?: string): LabError {
  return new LabError(
    "scenario-unsupported",
    model === undefined
      ? `Models cannot be built at ${precision}`
      : `${model} is a quantised file and cannot be built at ${precision}`,
    "Build models at float32 or int8; quantised files at int8.",
  );
}

export function deviceUnknown(id: string): LabError {
  return new LabError(
    "device-unknown",
    `There is no device ${id}`,
    "List the devices with `latlab devices`.",
  );
}

export function coreSetUnknown(device: string, cores: string, known: string[]): LabError {
  return new LabError(
    "core-set-unknown",
    `${device} has no core set ${cores}`,
    `Choose one of ${known.join(", ")}.`,
  );
}

export function scenarioUnknown(id: string): LabError {
  return new LabError(
    "scenario-unknown",
    `The lab holds nothing for the scenario ${id}`,
    "A scenario id reads device/cores/precision/runtime, e.g. host/1core/float32/tflite; profile on it first with `latlab profile`.",
  );
}

export function scenarioUnsupported(id: string, reason: string): LabError {
  return new LabError(
    "scenario-unsupported",
    `The scenario ${id} cannot be measured: ${reason}`,
    "Choose another precision or runtime; `latlab devices` shows what a device has.",
  );
}

export function runtimeMissing(reason: string): LabError {
  return new LabError(
    "runtime-missing",
    `This computer cannot run TFLite: ${reason}`,
    "Install again with `npm ci` on Linux (x64, arm64), macOS (arm64) or Windows (x64).",
  );
}

export function benchmarkFailed(model: string, scenario: string, stderr: string): LabError {
  return new LabError(
    "benchmark-failed",
    `${model} did not run on ${scenario}: ${stderr}`,
    "The runtime refused the model; look at the whole stderr of the cell in the run.",
  );
}

export function runUnknown(id: number): LabError {
  return new LabError("run-unknown", `There is no run ${id}`, "List the runs in the window or profile anew.");
}

export function runBusy(id: number): LabError {
  return new LabError(
    "run-busy",
    `Run ${id} is already measuring in process that holds its device`,
    "Wait until it is done or cancel it first.",
  );
}

export function deviceBusy(device: string, pid: number): LabError {
  return new LabError(
    "run-busy",
    `${device} is being measured by process ${pid}`,
    "One measurement at a time per device: wait until that one is done, or cancel it.",
  );
}

export function predictorMissing(scenario: string): LabError {
  return new LabError(
    "predictor-missing",
    `No predictor is fitted for ${scenario}`,
    `Fit one with \`latlab fit --scenario ${scenario}\`.`,
  );
}

export function predictorUnreadable(id: number, reason: string): LabError {
  return new LabError(
    "predictor-unreadable",
    `Predictor ${id} cannot be loaded: ${reason}`,
    "Fit it again; its training measurements are still in the lab.",
  );
}

export function tooLittleData(what: string, have: number, need: number): LabError {
  return new LabError(
    "too-little-data",
    `${what}: ${have} measured networks, ${need} are needed`,
    "Profile more networks on this scenario, e.g. sampled ones with `latlab sample`.",
  );
}

export function labNewer(path: string, found: number, known: number): LabError {
  return new LabError(
    "lab-newer",
    `${path} was written by a newer Latency Lab (format ${found}, this program knows ${known})`,
    "Update Latency Lab, or open another folder with --lab.",
  );
}

export function labLocked(path: string): LabError {
  return new LabError(
    "lab-locked",
    `${path} is locked by another program`,
    "Close the other program that holds it and try again.",
  );
}

export function labUnwritable(path: string, reason: string): LabError {
  return new LabError(
    "lab-unwritable",
    `${path} cannot be written: ${reason}`,
    "Give the folder write permission, or choose another with --lab.",
  );
}

export function labCorrupt(path: string, reason: string): LabError {
  return new LabError(
    "lab-corrupt",
    `${path} is not a lab file or is damaged: ${reason}`,
    "Restore it from a backup, or choose another folder with --lab; the file was left as it is.",
  );
}

export function diskFull(path: string): LabError {
  return new LabError(
    "disk-full",
    `The disk that holds ${path} is full`,
    "Free some space and resume the run; everything committed before is intact.",
  );
}

/** A file of published measurements is not as the data set's are; `place` is where, lines and columns counted from 1. */
export function publishedUnreadable(
  path: string,
  place: { line: number; column?: number; name?: string | undefined } | null,
  problem: string,
): LabError {
  const column = place?.column === undefined ? "" : `, column ${place.column}`;
  const name = place?.name === undefined ? "" : ` (${place.name})`;
  const where = place ? `, line ${place.line}${column}${name}` : "";
  return new LabError(
    "data-unreadable",
    `${path}${where}: ${problem}`,
    "Nothing was imported; get the file anew from the data set, or take it out of the folder.",
  );
}

/** A folder has no published measurements to import. */
export function publishedMissing(path: string, problem: string): LabError {
  return new LabError(
    "data-unreadable",
    `${path} cannot be imported: ${problem}`,
    "Give the folder of the mobile-ml-benchmark data set, in which files are named such as dataset/cnn/tflite_cnn_real_e2e.csv.",
  );
}

/** A network is known by its published measurements only. */
export function graphMissing(name: string): LabError {
  return new LabError(
    "model-unknown",
    `There is no graph of ${name}: the lab knows its published measurements only`,
    "Choose a network of the zoo (`latlab models --kind zoo`), or give its .tflite file.",
  );
}

/** A device is known by published measurements only. */
export function deviceNotHere(id: string): LabError {
  return new LabError(
    "phone-unavailable",
    `${id} cannot be measured: it is known by published measurements only`,
    "Plug in a phone and choose it as `latlab devices` names it.",
  );
}

export function addressUnavailable(host: string, port: number, reason: string): LabError {
  return new LabError(
    "address-unavailable",
    `The lab cannot be served at ${host}:${port}: ${reason}`,
    "Choose another port with --port (0 takes a free one), or end the program that has it.",
  );
}

export function windowMissing(folder: string, reason: string): LabError {
  return new LabError(
    "window-missing",
    `The window is not built in ${folder}: ${reason}`,
    "Build it with `npm run build` in the folder of Latency Lab.",
  );
}

export function badRequest(what: string, hint: string): LabError {
  return new LabError("bad-request", what, hint);
}

export function cancelled(): LabError {
  return new LabError("cancelled", "Cancelled", "Resume it when you like; what was done is kept.");
}

export function disconnected(): LabError {
  return new LabError(
    "disconnected",
    "The connection to the lab was lost",
    "It reconnects by itself; start Latency Lab again if it does not.",
  );
}

/** What crosses a wire: a user's error as it is, anything else as `internal` without its stack. */
export function describeError(error: unknown): { code: ErrorCode; message: string; hint: string } {
  if (error instanceof LabError) return { code: error.code, message: error.message, hint: error.hint };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    message: oneLine(message) || "unknown error",
    hint: "This is a bug in Latency Lab; please report it with the command that led here.",
  };
}
