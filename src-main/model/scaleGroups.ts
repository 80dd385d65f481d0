import type { Subgraph } from "./graph.ts";
import { scaleActivations, type Range } from "./quantizationScale.ts";
import { findQuantizedOperator, type ActivationScale } from "./quantizedOperators.ts";

/**
 * A scale for each float32 activation of a network that is to be quantised, by tensor (null for other tensors). Tensors that an
 * operator with the `shared` rule reads and writes get one scale that spans all their ranges; where one of them already has the
 * fixed scale of its kernel it stays apart, and the caller has to convert it.
 */
export function chooseScales(
  subgraph: Subgraph,
  ranges: readonly (Range | null)[],
): (ActivationScale | null)[] {
  const groups = new Groups(subgraph.tensors.length);
  const isActivation = (index: number) => ranges[index] != null;
  const shared: { inputs: number[]; outputs: number[] }[] = [];
  for (const op of subgraph.ops) {
    const operator = findQuantizedOperator(op);
    const outputs = op.outputs.filter(isActivation);
    if (operator?.output) for (const output of outputs) groups.fix(output, operator.output);
    if (operator?.rule === "shared")
      shared.push({ inputs: [...new Set(op.inputs.filter(isActivation))], outputs });
  }
  // What follows one tensor always shares with it; only where several meet can fixed scales differ.
  for (const { inputs, outputs } of shared) if (inputs.length <= 1) groups.unite([...inputs, ...outputs]);
  for (const { inputs, outputs } of shared) {
    if (inputs.length <= 1) continue;
    const [first, ...others] = inputs.map((input) => groups.fixedScale(input));
    const alike = others.every(
      (scale) => scale?.scale === first?.scale && scale?.zeroPoint === first?.zeroPoint,
    );
    const joined = alike ? inputs : inputs.filter((input) => groups.fixedScale(input) === null);
    groups.unite([...joined, ...outputs]);
  }
  const spans = new Map<number, Range>();
  ranges.forEach((range, index) => {
    if (!range) return;
    const root = groups.find(index);
    const known = spans.get(root) ?? range;
    spans.set(root, [Math.min(known[0], range[0]), Math.max(known[1], range[1])]);
  });
  const scales = new Map<number, ActivationScale>();
  for (const [root, span] of spans) scales.set(root, groups.fixedScale(root) ?? scaleActivations(span));
  return ranges.map((range, index) => (range ? scales.get(groups.find(index))! : null));
}

/** Disjoint sets of tensors (Galler and Fischer 1964), some of them with a scale that cannot be chosen. */
class Groups {
  private readonly parent: number[];
  private readonly fixed = new Map<number, ActivationScale>();

  constructor(count: number) {
    this.parent = Array.from({ length: count }, (_, index) => index);
  }

  find(index: number): number {
    let root = index;
    while (this.parent[root] !== root) root = this.parent[root]!;
    for (let at = index; at !== root;) [at, this.parent[at]] = [this.parent[at]!, root];
    return root;
  }

  fix(index: number, scale: ActivationScale): void {
    this.fixed.set(this.find(index), scale);
  }

  fixedScale(index: number): ActivationScale | null {
    return this.fixed.get(this.find(index)) ?? null;
  }

  unite(members: readonly number[]): void {
    const [first, ...others] = members;
    if (first === undefined) return;
    for (const other of others) {
      const [into, from] = [this.find(first), this.find(other)];
      if (into === from) continue;
      const scale = this.fixed.get(into) ?? this.fixed.get(from);
      this.parent[from] = into;
      if (scale) this.fixed.set(into, scale);
    }
  }
}
