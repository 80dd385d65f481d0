import { listCpuKernels } from "../kernels/cpu.ts";
import { deduceKernels } from "../kernels/gpu.ts";
import { describeGpuRules } from "../kernels/gpuDescription.ts";
import { mainSubgraph } from "../model/graph.ts";
import type { Graph } from "../model/graph.ts";
import { takeBreath, type LabContext } from "./context.ts";
import type { KernelsRequest, Lab, ModelKernels, Precision } from "./contract.ts";
import { badRequest } from "./errors.ts";

/** The call about the kernels that would run; nothing is measured for it. */
export function createKernelCalls({ library }: LabContext): Pick<Lab, "kernels"> {
  return {
    async kernels(request) {
      const list = chooseList(request);
      const precision = request.precision ?? (readGpuName(request.target) === null ? "float32" : "float16");
      const found: ModelKernels[] = [];
      for (const model of library.resolveAll(request.models)) {
        const graph = library.loadGraph(model, precision);
        found.push({ model: model.name, target: request.target, precision, ...list(graph, precision) });
        await takeBreath();
      }
      return found;
    },
  };
}

type KernelList = (graph: Graph, precision: Precision) => Pick<ModelKernels, "gpu" | "kernels" | "cpu">;

function chooseList(request: KernelsRequest): KernelList {
  const { target, runtime } = request;
  const gpuName = readGpuName(target);
  if (gpuName === null) {
    if (request.precision === "float16")
      throw badRequest("CPUs compute in float32 or int8", "Choose one of them, or a GPU as the target.");
    return (graph) => listForCpu(graph, runtime ?? "tflite");
  }
  if (runtime !== undefined)
    throw badRequest(`${runtime} is a runtime of CPUs`, "Leave the runtime out for a GPU.");
  return (graph, precision) => listForGpu(graph, gpuName, precision);
}

/** The GPU of a target, null for the CPU. Throws bad-request for anything else. */
function readGpuName(target: string): string | null {
  if (target.trim() === "cpu") return null;
  const name = /^\s*gpu:(.+)$/s.exec(target)?.[1]?.trim();
  if (name) return name;
  throw badRequest(
    `${target} is no target`,
    'Give cpu, or gpu: and the name the GPU\'s driver gives, e.g. "gpu:Adreno (TM) 640"; `latlab devices` tells those of known phones.',
  );
}

function listForCpu(graph: Graph, runtime: "tflite" | "xnnpack"): ReturnType<KernelList> {
  const kernels = listCpuKernels(graph, runtime).map((kernel) => ({
    class: kernel.class,
    variant: null,
    ops: kernel.ops,
    why: [kernel.why],
  }));
  return { gpu: null, kernels, cpu: [] };
}

function listForGpu(graph: Graph, name: string, precision: Precision): ReturnType<KernelList> {
  // A quantised network is computed in the delegate's own arithmetic.
  const found = deduceKernels(graph, name, { precision: precision === "float32" ? "float32" : "float16" });
  const { ops } = mainSubgraph(graph);
  return {
    gpu: { ...found.device, rules: describeGpuRules(found.device, found.settings) },
    kernels: found.kernels.map((kernel) => ({
      class: kernel.class,
      variant: kernel.variant,
      ops: kernel.ops,
      why: kernel.why,
    })),
    cpu: found.cpu.map(({ op, why }) => ({ index: op, op: ops[op]!.type, reason: why })),
  };
}
