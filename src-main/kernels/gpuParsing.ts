import { findConstantTensors } from "../model/constantTensors.ts";
import type { Op, Subgraph } from "../model/graph.ts";
import { findGpuOperation, isElementwise } from "./gpuOperations.ts";
import type { GpuGraph, GpuNode, GpuWindow } from "./gpuNode.ts";
import type { GpuSettings } from "./gpuRules.ts";
import { readBhwc } from "./gpuShape.ts";
import type { Bhwc } from "./gpuShape.ts";
import { readGpuWindow } from "./gpuWindow.ts";

const activations: Record<string, string> = {
  RELU: "relu",
  RELU6: "relu",
  RELU_N1_TO_1: "relu",
  TANH: "tanh",
  SIGMOID: "sigmoid",
};

/**
 * Parses ops into the delegate's graph: one node an op, one more for a fused activation, numbered as they are made (model_builder.cc;
 * the numbers are those in the published kernel names). The ops must be such as `partitionForGpu` gives to the GPU.
 */
export function parseForGpu(subgraph: Subgraph, ops: readonly number[], settings: GpuSettings): GpuGraph {
  return new GpuParser(subgraph, settings).parse(ops);
}

class GpuParser {
  private readonly subgraph: Subgraph;
  private readonly settings: GpuSettings;
  private readonly constant: Uint8Array;
  private readonly graph: GpuGraph = { nodes: [], shapes: new Map(), inputs: [], outputs: [] };
  private nextId = 0;
  private nextValue: number;

  constructor(subgraph: Subgraph, settings: GpuSettings) {
    this.subgraph = subgraph;
    this.settings = settings;
    this.constant = findConstantTensors(subgraph);
    this.nextValue = subgraph.tensors.length;
  }

  parse(ops: readonly number[]): GpuGraph {
    for (const index of ops) this.parseOp(this.subgraph.ops[index]!, index);
    this.addQuantization();
    this.findEnds(ops);
    return this.graph;
  }

  private parseOp(op: Op, index: number): void {
    const { type } = findGpuOperation(op.type, this.settings.rules)!;
    const node = this.makeNode(type, index, op);
    switch (op.type) {
      case "CONV_2D":
        this.parseConvolution(node, op);
        break;
      case "FULLY_CONNECTED":
        this.parseFullyConnected(node, op);
        break;
      case "DEPTHWISE_CONV_2D":
      case "TRANSPOSE_CONV":
      case "AVERAGE_POOL_2D":
      case "MAX_POOL_2D":
        node.window = readGpuWindow(this.subgraph, op);
        this.graph.nodes.push(node);
        break;
      default:
        this.graph.nodes.push(node);
    }
    this.addActivation(op, index);
  }

  private makeNode(type: string, index: number, op: Op): GpuNode {
    let constant: Bhwc | null = null;
    const inputs: number[] = [];
    for (const tensor of op.inputs) {
      if (tensor < 0) continue;
      if (this.constant[tensor] === 1) {
        // A constant beside concatenated tensors is a node of its own, numbered before the concatenation.
        if (type === "concat") this.nextId++;
        if (isElementwise(type)) constant ??= readBhwc(asLinear(this.subgraph.tensors[tensor]!.shape));
        continue;
      }
      this.register(tensor);
      inputs.push(tensor);
    }
    for (const tensor of op.outputs) this.register(tensor);
    const id = this.nextId++;
    return { id, type, ops: [index], inputs, outputs: [...op.outputs], constant, window: null, why: [] };
  }

  private register(tensor: number): void {
    const shape = readBhwc(this.subgraph.tensors[tensor]!.shape);
    if (!shape) throw new Error(`tensor ${tensor} has more dimensions than the delegate knows`);
    this.graph.shapes.set(tensor, shape);
  }

  private addValue(shape: Bhwc): number {
    const value = this.nextValue++;
    this.graph.shapes.set(value, shape);
    return value;
  }

  private parseConvolution(node: GpuNode, op: Op): void {
    const window = readGpuWindow(this.subgraph, op);
    node.window = window;
    const { groups, filterDepth, filters } = window;
    if (node.inputs.length > 1) {
      node.type = "convolution_dynamic";
      node.why.push("its weights are computed: they are converted before each convolution");
    } else if (filterDepth === 1 && groups > 1 && groups === filters) {
      node.type = "depthwise_convolution";
      node.why.push("each filter sees one channel: parsed as a depthwise convolution");
      node.window = { ...window, groups: 1, filterDepth: 1 };
    } else if (groups > 1 && (filterDepth % 4 > 0 || (filters / groups) % 4 > 0)) {
      this.splitConvolution(node, window);
      return;
    } else if (groups > 1) {
      node.type = "convolution_2d_grouped";
      node.why.push(
        `${groups} groups of ${filterDepth} → ${filters / groups} channels, multiples of 4: one grouped kernel`,
      );
    }
    this.graph.nodes.push(node);
  }

  /** Groups that are no multiples of four channels become SPLIT, a convolution for each, CONCAT. */
  private splitConvolution(node: GpuNode, window: GpuWindow): void {
    const { groups, filterDepth, filters } = window;
    const why = `${groups} groups of ${filterDepth} → ${filters / groups} channels, no multiples of 4: split into convolutions`;
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const [inShape, outShape] = [this.graph.shapes.get(input)!, this.graph.shapes.get(output)!];
    const pieces = Array.from({ length: groups }, () => this.addValue({ ...inShape, c: filterDepth }));
    const results = Array.from({ length: groups }, () => this.addValue({ ...outShape, c: filters / groups }));
    this.graph.nodes.push({ ...node, type: "split", outputs: pieces, why: [why] });
    pieces.forEach((piece, group) =>
      this.graph.nodes.push({
        ...node,
        id: this.nextId++,
        inputs: [piece],
        outputs: [results[group]!],
        window: { ...window, groups: 1, filters: filters / groups },
        why: [why],
      }),
    );
    this.graph.nodes.push({ ...node, id: this.nextId++, type: "concat", inputs: results, why: [why] });
  }

  private parseFullyConnected(node: GpuNode, op: Op): void {
    const [filters, depth] = this.subgraph.tensors[op.inputs[1]!]!.shape as [number, number];
    const input = this.graph.shapes.get(node.inputs[0]!)!;
    node.window = pointwiseWindow(depth, filters);
    if (input.c !== depth) {
      const flat = this.addValue({ b: input.b, h: 1, w: 1, c: depth });
      this.graph.nodes.push({ ...node, type: "reshape", outputs: [flat], window: null, why: [] });
      node = { ...node, id: this.nextId++, inputs: [flat] };
      node.why = ["its input is flattened by a reshape first"];
    } else if (input.h > 1 || input.w > 1) {
      node.type = "convolution_2d";
      node.why = [`its input has ${input.h}×${input.w} places: a 1×1 convolution does the same`];
    }
    this.graph.nodes.push(node);
  }

  /** A fused activation is a node that takes over the output; the node before it writes a copy of that value. */
  private addActivation(op: Op, index: number): void {
    const type = activations[String(op.attributes["fusedActivationFunction"])];
    const node = this.graph.nodes.at(-1);
    const output = node?.outputs[0];
    if (!type || !node || output === undefined) return;
    const between = this.addValue(this.graph.shapes.get(output)!);
    node.outputs = [between];
    this.graph.nodes.push(this.makeSimple(type, index, between, output));
  }

  private makeSimple(type: string, op: number, input: number, output: number): GpuNode {
    const id = this.nextId++;
    return {
      id,
      type,
      ops: [op],
      inputs: [input],
      outputs: [output],
      constant: null,
      window: null,
      why: [],
    };
  }

  /** Quantised outputs are rounded by a node of their own (transformations/add_quant_adjustments.cc). */
  private addQuantization(): void {
    const { nodes } = this.graph;
    for (const node of [...nodes]) {
      if (node.type === "quantize_and_dequantize") continue;
      for (const [place, output] of node.outputs.entries()) {
        const tensor = this.subgraph.tensors[output];
        if (!tensor?.quantization || tensor.dtype === "float32") continue;
        const between = this.addValue(this.graph.shapes.get(output)!);
        node.outputs[place] = between;
        const rounding = this.makeSimple("quantize_and_dequantize", node.ops[0]!, between, output);
        nodes.splice(nodes.indexOf(node) + 1, 0, rounding);
      }
    }
  }

  private findEnds(ops: readonly number[]): void {
    const inside = new Set(ops);
    const written = new Set(ops.flatMap((index) => this.subgraph.ops[index]!.outputs));
    const leaving = new Set(this.subgraph.outputs);
    this.subgraph.ops.forEach((op, index) => {
      if (!inside.has(index)) for (const tensor of op.inputs) leaving.add(tensor);
    });
    this.graph.outputs = [...written].filter((tensor) => leaving.has(tensor));
    const read = new Set(this.graph.nodes.flatMap(({ inputs }) => inputs));
    this.graph.inputs = [...read].filter(
      (value) => value < this.subgraph.tensors.length && !written.has(value),
    );
  }
}

/** A vector of constants lies along the channels. */
function asLinear(shape: readonly number[]): number[] {
  return shape.length === 1 ? [1, 1, 1, shape[0]!] : shape.length > 4 ? shape.slice(-4) : [...shape];
}

function pointwiseWindow(filterDepth: number, filters: number): GpuWindow {
  return {
    kernelH: 1,
    kernelW: 1,
    strideH: 1,
    strideW: 1,
    dilationH: 1,
    dilationW: 1,
    padTop: 0,
    padLeft: 0,
    padBottom: 0,
    padRight: 0,
    groups: 1,
    filterDepth,
    filters,
  };
}
