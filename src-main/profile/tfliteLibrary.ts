import { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import koffi from "koffi";

/** Where the shared library of TensorFlow Lite lies for a platform and architecture, or null when the package carries none. */
export function locateTfliteLibrary(
  platform: string = process.platform,
  arch: string = process.arch,
): string | null {
  const folders: Record<string, string> = {
    "linux-x64": "linux_amd64/libtensorflowlite_c.so",
    "linux-arm64": "linux_arm64/libtensorflowlite_c.so",
    "darwin-arm64": "darwin_arm64/libtensorflowlite_c.dylib",
    "win32-x64": "windows_amd64/tensorflowlite_c.dll",
  };
  const file = folders[`${platform}-${arch}`];
  if (!file) return null;
  try {
    const manifest = createRequire(import.meta.url).resolve("tfjs-tflite-node/package.json");
    const path = join(dirname(manifest), "cc_deps", file);
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

/** One timed node of an invocation: its place in the execution plan and its time in µs. */
export interface NodeTiming {
  node: number;
  us: number;
}

/** A node of the execution plan as the runtime sees it: a graph op, or a delegate's partition. */
export interface PlanNode {
  node: number;
  /** Operator or delegate name. */
  type: string;
  /** Names of its output tensors. */
  outputs: string[];
}

// Offsets in bytes of the fields of TFLite's C structs on a 64-bit platform (tensorflow/lite/c/common.h, TFLite 2.9).
const contextGetExecutionPlan = 8;
const contextGetNodeAndRegistration = 56;
const contextTensors = 16;
const nodeOutputs = 8;
const tensorSize = 112;
const tensorName = 56;
const registrationInvoke = 24;
const registrationBuiltinCode = 40;
const registrationCustomName = 48;
const delegateSize = 56;
const delegatePrepare = 8;
const delegateFlags = 48;
/** kTfLiteDelegateFlagsAllowDynamicTensors: keeps the graph open for the delegates that follow. */
const allowDynamicTensors = 1n;
/** TFLITE_XNNPACK_DELEGATE_FLAG_QS8: int8 ops are taken too, as TFLite's own tools ask for by default. */
const xnnpackSigned8 = 1;
const builtinDelegate = 51;
const builtinCustom = 32;

/** Loads TFLite's C library; throws an Error that names the path when it cannot be loaded. */
export function loadTflite(path: string) {
  const library = koffi.load(path);
  const pointer = "void *";
  return {
    path,
    version: library.func("TfLiteVersion", "str", []) as () => string,
    modelFromFile: library.func("TfLiteModelCreateFromFile", pointer, ["str"]) as (
      path: string,
    ) => bigint | null,
    modelDelete: library.func("TfLiteModelDelete", "void", [pointer]),
    optionsCreate: library.func("TfLiteInterpreterOptionsCreate", pointer, []) as () => bigint,
    optionsDelete: library.func("TfLiteInterpreterOptionsDelete", "void", [pointer]),
    optionsThreads: library.func("TfLiteInterpreterOptionsSetNumThreads", "void", [pointer, "int32_t"]),
    optionsDelegate: library.func("TfLiteInterpreterOptionsAddDelegate", "void", [pointer, pointer]),
    interpreterCreate: library.func("TfLiteInterpreterCreate", pointer, [pointer, pointer]) as (
      model: bigint,
      options: bigint,
    ) => bigint | null,
    interpreterDelete: library.func("TfLiteInterpreterDelete", "void", [pointer]),
    allocate: library.func("TfLiteInterpreterAllocateTensors", "int", [pointer]) as (
      interpreter: bigint,
    ) => number,
    invoke: library.func("TfLiteInterpreterInvoke", "int", [pointer]) as (interpreter: bigint) => number,
    inputCount: library.func("TfLiteInterpreterGetInputTensorCount", "int32_t", [pointer]) as (
      interpreter: bigint,
    ) => number,
    inputTensor: library.func("TfLiteInterpreterGetInputTensor", pointer, [pointer, "int32_t"]) as (
      interpreter: bigint,
      index: number,
    ) => bigint,
    outputCount: library.func("TfLiteInterpreterGetOutputTensorCount", "int32_t", [pointer]) as (
      interpreter: bigint,
    ) => number,
    outputTensor: library.func("TfLiteInterpreterGetOutputTensor", pointer, [pointer, "int32_t"]) as (
      interpreter: bigint,
      index: number,
    ) => bigint,
    tensorType: library.func("TfLiteTensorType", "int", [pointer]) as (tensor: bigint) => number,
    tensorBytes: library.func("TfLiteTensorByteSize", "size_t", [pointer]) as (tensor: bigint) => number,
    tensorData: library.func("TfLiteTensorData", pointer, [pointer]) as (tensor: bigint) => bigint | null,
    xnnpackCreate: library.func("TfLiteXNNPackDelegateCreate", pointer, [pointer]) as (
      options: Buffer,
    ) => bigint,
    xnnpackDelete: library.func("TfLiteXNNPackDelegateDelete", "void", [pointer]),
  };
}

export type TfliteLibrary = ReturnType<typeof loadTflite>;

const prepareType = koffi.pointer(koffi.proto("int LabDelegatePrepare(void *context, void *delegate)"));
const invokeType = koffi.pointer(koffi.proto("int LabNodeInvoke(void *context, void *node)"));

/** How an interpreter is to be built. */
export interface InterpreterOptions {
  threads: number;
  xnnpack: boolean;
  /** Put a timing callback round every node of the execution plan (adds 1 to 2 µs a node). */
  timeNodes: boolean;
  /** Turns a builtin operator code into its name, e.g. 3 into CONV_2D. */
  operatorName: (code: number) => string;
}

/** One loaded network ready to run. Throws an Error with the failed step when the runtime refuses the file. */
export class TfliteInterpreter {
  readonly library: TfliteLibrary;
  private model: bigint | null = null;
  private options: bigint | null = null;
  private interpreter: bigint | null = null;
  private xnnpackDelegate: bigint | null = null;
  private callbacks: bigint[] = [];
  // Held so that the memory TFLite points into is not collected.
  readonly held: Buffer[] = [];
  private context = 0n;
  private planFunction = 0n;
  private nodeFunction = 0n;
  /** Nodes in execution order; filled when `timeNodes` is set. */
  readonly plan: PlanNode[] = [];
  /** Times of the nodes of the last invocation in execution order, µs; filled when `timeNodes` is set. */
  readonly timings: NodeTiming[] = [];

  constructor(library: TfliteLibrary, path: string, options: InterpreterOptions) {
    this.library = library;
    try {
      this.model = library.modelFromFile(path);
      if (!this.model) throw new Error(`Failed to load model ${path}`);
      this.options = library.optionsCreate();
      library.optionsThreads(this.options, options.threads);
      if (options.timeNodes) library.optionsDelegate(this.options, this.createHookDelegate());
      if (options.xnnpack) {
        const chosen = Buffer.alloc(64);
        chosen.writeInt32LE(options.threads, 0);
        chosen.writeInt32LE(xnnpackSigned8, 4);
        this.xnnpackDelegate = library.xnnpackCreate(chosen);
        library.optionsDelegate(this.options, this.xnnpackDelegate);
      }
      this.interpreter = library.interpreterCreate(this.model, this.options);
      if (!this.interpreter) throw new Error("Failed to initialize the interpreter");
      if (library.allocate(this.interpreter) !== 0) throw new Error("Failed to allocate tensors!");
      if (options.timeNodes) this.hookNodes(options.operatorName);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  // A delegate that claims no node. TFLite hands it the context, whose two functions are the only public way to the execution plan.
  private createHookDelegate(): bigint {
    const delegate = Buffer.alloc(delegateSize);
    const prepare = koffi.register((context: bigint) => {
      this.context = BigInt(context);
      this.planFunction = readPointer(this.context, contextGetExecutionPlan);
      this.nodeFunction = readPointer(this.context, contextGetNodeAndRegistration);
      return 0;
    }, prepareType);
    this.callbacks.push(prepare);
    delegate.writeBigUInt64LE(prepare, delegatePrepare);
    delegate.writeBigInt64LE(allowDynamicTensors, delegateFlags);
    this.held.push(delegate);
    return koffi.address(delegate);
  }

  // Called after allocation, when every other delegate has replaced its nodes.
  private hookNodes(operatorName: (code: number) => string): void {
    const getPlan = koffi.decode(this.planFunction, koffi.proto("int (void *context, void *plan)"));
    const getNode = koffi.decode(
      this.nodeFunction,
      koffi.proto("int (void *context, int index, void *node, void *registration)"),
    );
    const out = Buffer.alloc(16);
    if (getPlan(this.context, out) !== 0) throw new Error("Failed to read the execution plan");
    const planAddress = out.readBigUInt64LE(0);
    const count = koffi.decode(planAddress, 0, "int32_t") as number;
    const nodes = koffi.decode(planAddress, 4, "int32_t", count) as number[];
    for (const node of nodes) {
      if (getNode(this.context, node, out.subarray(0, 8), out.subarray(8, 16)) !== 0)
        throw new Error(`Failed to read node ${node} of the execution plan`);
      const registration = out.readBigUInt64LE(8);
      const invokeAddress = readPointer(registration, registrationInvoke);
      const builtinCode = koffi.decode(registration, registrationBuiltinCode, "int32_t") as number;
      const nameAddress = readPointer(registration, registrationCustomName);
      const named = builtinCode === builtinDelegate || builtinCode === builtinCustom;
      const type = named && nameAddress ? readString(nameAddress) : operatorName(builtinCode);
      const original = koffi.decode(invokeAddress, koffi.proto("int (void *context, void *node)")) as (
        context: bigint,
        node: bigint,
      ) => number;
      const slot: NodeTiming = { node, us: 0 };
      const timed = koffi.register((context: bigint, nodeAddress: bigint) => {
        const start = performance.now();
        const status = original(context, nodeAddress);
        slot.us = (performance.now() - start) * 1000;
        return status;
      }, invokeType);
      this.callbacks.push(timed);
      koffi.encode(registration, registrationInvoke, "uint64_t", timed);
      this.plan.push({ node, type, outputs: this.readOutputNames(out.readBigUInt64LE(0)) });
      this.timings.push(slot);
    }
  }

  private readOutputNames(node: bigint): string[] {
    const outputs = readPointer(node, nodeOutputs);
    const tensors = readPointer(this.context, contextTensors);
    const count = koffi.decode(outputs, 0, "int32_t") as number;
    const indices = koffi.decode(outputs, 4, "int32_t", count) as number[];
    return [...indices].map((index) => {
      const name = index < 0 ? 0n : readPointer(tensors + BigInt(index * tensorSize), tensorName);
      return name ? readString(name) : "";
    });
  }

  /** Runs one inference and returns its time in µs; throws when the runtime reports an error. */
  invoke(): number {
    const start = performance.now();
    const status = this.library.invoke(this.interpreter!);
    const us = (performance.now() - start) * 1000;
    if (status !== 0) throw new Error("Failed to invoke the interpreter");
    return us;
  }

  /** Fills every input tensor through `fill`, which receives its bytes and TfLiteType number. */
  fillInputs(fill: (bytes: Uint8Array, type: number) => void): void {
    const count = this.library.inputCount(this.interpreter!);
    for (let index = 0; index < count; index++) {
      const tensor = this.library.inputTensor(this.interpreter!, index);
      const bytes = this.tensorBytes(tensor);
      if (bytes) fill(bytes, this.library.tensorType(tensor));
    }
  }

  /** A copy of the bytes of each output tensor. */
  readOutputs(): { type: number; bytes: Uint8Array }[] {
    const count = this.library.outputCount(this.interpreter!);
    return Array.from({ length: count }, (_, index) => {
      const tensor = this.library.outputTensor(this.interpreter!, index);
      const bytes = this.tensorBytes(tensor) ?? new Uint8Array();
      return { type: this.library.tensorType(tensor), bytes: Uint8Array.from(bytes) };
    });
  }

  private tensorBytes(tensor: bigint): Uint8Array | null {
    const data = this.library.tensorData(tensor);
    const size = Number(this.library.tensorBytes(tensor));
    return data && size > 0 ? new Uint8Array(koffi.view(data, size)) : null;
  }

  /** Frees everything; safe to call twice. */
  close(): void {
    if (this.interpreter) this.library.interpreterDelete(this.interpreter);
    if (this.xnnpackDelegate) this.library.xnnpackDelete(this.xnnpackDelegate);
    if (this.options) this.library.optionsDelete(this.options);
    if (this.model) this.library.modelDelete(this.model);
    for (const callback of this.callbacks) koffi.unregister(callback);
    this.interpreter = this.xnnpackDelegate = this.options = this.model = null;
    this.callbacks = [];
  }
}

function readPointer(address: bigint, offset: number): bigint {
  return BigInt(koffi.decode(address, offset, "uint64_t") as bigint | number);
}

function readString(address: bigint): string {
  return String(koffi.decode(address, "char", -1));
}
