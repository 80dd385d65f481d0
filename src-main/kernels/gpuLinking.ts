import { shapeOf } from "./gpuNode.ts";
import type { GpuGraph, GpuNode } from "./gpuNode.ts";
import type { GpuSettings } from "./gpuRules.ts";
import type { GpuStep } from "./gpuStep.ts";

/**
 * Puts first the input of a two-input ADD or MUL that was written last, so that a residual addition joins the later branch
 * (gpu_model.cc, IsAssociativeLinkableOp and ConvertOperations). `written` tells when each value was written, −1 for inputs.
 */
export function orderInputs(graph: GpuGraph, node: GpuNode, written: ReadonlyMap<number, number>): void {
  if ((node.type !== "add" && node.type !== "mul") || node.inputs.length < 2) return;
  const output = shapeOf(graph, node.outputs[0]);
  const axes = ["b", "h", "w", "c"] as const;
  const repeated = node.inputs.some((value) => {
    const shape = shapeOf(graph, value);
    return axes.some((axis) => shape[axis] === 1 && output[axis] !== 1);
  });
  if (repeated) return;
  const time = (value: number) => written.get(value) ?? 0;
  let latest = 0;
  node.inputs.forEach((value, place) => {
    if (time(value) > time(node.inputs[latest]!)) latest = place;
  });
  if (latest === 0) return;
  [node.inputs[0], node.inputs[latest]] = [node.inputs[latest]!, node.inputs[0]!];
  node.why.push("its input written last comes first, so that it joins that branch");
}

/**
 * Links element-wise steps to the step before them, in place and in execution order: a step takes the only reader of its only
 * output when that reader is linkable, reads it first and all its other inputs are there (gpu_model.cc, MergeNodes).
 */
export function linkSteps(graph: GpuGraph, steps: GpuStep[], settings: GpuSettings): void {
  if (settings.rules === "litert-2026") mergeElementwise(graph, steps);
  const ready = new Set(graph.inputs);
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index]!;
    for (;;) {
      for (const value of step.outputs) ready.add(value);
      const next = findLinkable(graph, steps, index, ready);
      if (!next) break;
      absorb(step, next, next.inputs.slice(1));
      steps.splice(steps.indexOf(next), 1);
    }
  }
}

function findLinkable(
  graph: GpuGraph,
  steps: readonly GpuStep[],
  index: number,
  ready: ReadonlySet<number>,
): GpuStep | null {
  const step = steps[index]!;
  const value = step.outputs[0];
  if (value === undefined || step.outputs.length !== 1 || graph.outputs.includes(value)) return null;
  let found: GpuStep | null = null;
  for (let later = index + 1; later < steps.length; later++) {
    const reads = steps[later]!.inputs.filter((input) => input === value).length;
    if (reads === 0) continue;
    if (found || reads > 1) return null;
    found = steps[later]!;
  }
  if (!found?.linkable || found.outputs.length !== 1 || found.inputs[0] !== value) return null;
  return found.inputs.every((input) => ready.has(input)) ? found : null;
}

function absorb(step: GpuStep, next: GpuStep, operands: number[]): void {
  const { type, label, ops } = next;
  step.links.push({ type, label, op: ops[0]!, operands }, ...next.links);
  step.ops.push(...ops.filter((op) => !step.ops.includes(op)));
  step.inputs.push(...operands);
  step.outputs = next.outputs;
  const order = next.why.find((reason) => reason.startsWith("its input written last"));
  step.why.push(`${label} is linked: only it reads the result${order ? `; ${order}` : ""}`);
}

/**
 * The pass before it since 2026 (MergeElementwise): an element-wise step joins an element-wise parent, also when it reads the
 * parent's own input besides (x · sigmoid(x)), so that the pair reads one tensor once and can be linked whole.
 */
function mergeElementwise(graph: GpuGraph, steps: GpuStep[]): void {
  for (let index = 0; index < steps.length; index++) {
    const step = steps[index]!;
    if (!step.linkable) continue;
    for (const value of [...step.inputs]) {
      const parent = steps.find(({ outputs }) => outputs.length === 1 && outputs[0] === value);
      if (!parent?.linkable || graph.outputs.includes(value)) continue;
      const readers = steps.filter(({ inputs }) => inputs.includes(value));
      if (readers.length !== 1 || step.inputs.filter((input) => input === value).length !== 1) continue;
      const others = step.inputs.filter((input) => input !== value && !parent.inputs.includes(input));
      const repeated = step.inputs.filter((input) => input !== value).length > others.length;
      // Only a chain through the first input, or the diamond, keeps one leading input.
      if (step.inputs[0] !== value && !repeated) continue;
      absorb(parent, step, others);
      steps.splice(index, 1);
      steps.splice(steps.indexOf(parent), 1);
      steps.splice(index - 1, 0, parent);
      index--;
      break;
    }
  }
}
