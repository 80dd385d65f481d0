import type { Draft, DraftOp } from "./draft.ts";

/** Who writes and who reads each tensor of a draft, kept up to date while ops are rewritten. */
export class DraftUses {
  private readonly draft: Draft;
  private readonly writers = new Map<number, DraftOp>();
  private readonly readers = new Map<number, number>();
  private readonly removed = new Set<DraftOp>();

  constructor(draft: Draft) {
    this.draft = draft;
    for (const op of draft.ops) {
      for (const output of op.outputs) this.writers.set(output, op);
      for (const input of op.inputs) this.count(input, 1);
    }
    for (const output of draft.outputs) this.count(output, 1);
  }

  /** The op that writes a tensor; null for constants and inputs of the network. */
  writer(tensor: number): DraftOp | null {
    return this.writers.get(tensor) ?? null;
  }

  /** The op that writes a tensor which nobody else reads but the one asking. */
  onlyWriter(tensor: number): DraftOp | null {
    return this.readers.get(tensor) === 1 ? this.writer(tensor) : null;
  }

  isRemoved(op: DraftOp): boolean {
    return this.removed.has(op);
  }

  /** Takes an op out; another now writes its first output. */
  absorb(op: DraftOp, into: DraftOp): void {
    this.remove(op);
    into.outputs = [op.outputs[0]!];
    this.writers.set(op.outputs[0]!, into);
  }

  /** Takes an op out of the network. */
  remove(op: DraftOp): void {
    this.removed.add(op);
    for (const input of op.inputs) this.count(input, -1);
  }

  /** Changes what an op reads. */
  rewire(op: DraftOp, inputs: readonly number[]): void {
    for (const input of op.inputs) this.count(input, -1);
    op.inputs = [...inputs];
    for (const input of inputs) this.count(input, 1);
  }

  /** Drops the ops that were taken out and those whose results nobody needs any more. */
  finish(): void {
    const needed = new Set(this.draft.outputs);
    const kept: DraftOp[] = [];
    for (const op of this.draft.ops.toReversed()) {
      if (this.removed.has(op) || !op.outputs.some((output) => needed.has(output))) continue;
      kept.push(op);
      for (const input of op.inputs) needed.add(input);
    }
    this.draft.ops = kept.reverse();
  }

  private count(tensor: number, change: number): void {
    this.readers.set(tensor, (this.readers.get(tensor) ?? 0) + change);
  }
}
