import type { ModelDetail, OpDetail } from "../../src-main/lab/contract.ts";
import type { OpTimes } from "./opTimes.ts";
import { tellWindow } from "./graphHeat.ts";
import { classifyOp, orderClasses } from "./opClasses.ts";
import { linkOps } from "./opGraph.ts";
import { findStages, tellStage } from "./opStages.ts";

/** What two networks are compared by; times in ms, traffic in bytes. */
export type Quantity = "ops" | "flops" | "params" | "bytes" | "measured" | "predicted";

/** A quantity on either side; null where it is not known. */
export interface Sides {
  a: number | null;
  b: number | null;
}

/** Ops of both networks that do the same kind of work, and what they sum up to. */
export interface ComparedPart {
  key: string;
  stage: number | null;
  /** Empty where the part is a whole stage. */
  opClass: string;
  quantities: Record<Quantity, Sides>;
}

/** An op of each network that stand in for each other, or one without a counterpart. */
export interface OpPair {
  stage: number | null;
  opClass: string;
  a: OpDetail | null;
  b: OpDetail | null;
}

/** One of the networks compared, with what is known of its times. */
export interface ComparedModel {
  detail: ModelDetail;
  times: OpTimes | null;
}

interface StagedOp {
  op: OpDetail;
  stage: number | null;
  opClass: string;
}

const sides = ["a", "b"] as const;

/** The ops of the entry graph with stage and class, in order of execution. */
function stageOps({ detail }: ComparedModel): StagedOp[] {
  const graph = linkOps(detail);
  const stages = findStages(graph);
  return graph.nodes.flatMap((node, place) =>
    node.kind === "op" ? [{ op: node.op, stage: stages[place]!, opClass: classifyOp(node.op) }] : [],
  );
}

/** A quantity of one op; null where it is not known. */
export function readQuantity(quantity: Quantity, op: OpDetail, times: OpTimes | null): number | null {
  switch (quantity) {
    case "ops":
      return 1;
    case "flops":
      return op.flops;
    case "params":
      return op.params;
    case "bytes":
      return op.bytes;
    case "measured":
      return times?.measured?.get(op.index) ?? null;
    case "predicted":
      return times?.predicted?.get(op.index)?.ms ?? null;
  }
}

/** How ops are put together: by class, by stage, or by both. */
export type PartBy = "class" | "stage" | "both";

/** Both networks' ops summed by class or stage; a class that one of them lacks counts as nothing there. */
export function compareParts(a: ComparedModel, b: ComparedModel, by: PartBy): ComparedPart[] {
  const parts = new Map<string, ComparedPart>();
  const models = { a, b };
  for (const side of sides) {
    const model = models[side];
    for (const { op, ...place } of stageOps(model)) {
      const stage = by === "class" ? null : place.stage;
      const opClass = by === "stage" ? "" : place.opClass;
      const key =
        by === "class" ? opClass : by === "stage" ? tellStage(stage) : `${tellStage(stage)} ${opClass}`;
      const part = parts.get(key) ?? { key, stage, opClass, quantities: openQuantities(a, b) };
      parts.set(key, part);
      for (const quantity of Object.keys(part.quantities) as Quantity[]) {
        const sum = part.quantities[quantity];
        sum[side] = addQuantity(quantity, sum[side], readQuantity(quantity, op, model.times));
      }
    }
  }
  return [...parts.values()].sort(
    (one, other) => orderStages(one.stage, other.stage) || orderClasses(one.opClass, other.opClass),
  );
}

// FLOPs that are unknown leave a sum unknown; an op without a time of its own is part of another's.
function addQuantity(quantity: Quantity, sum: number | null, value: number | null): number | null {
  if (sum === null) return null;
  return value === null ? (quantity === "flops" ? null : sum) : sum + value;
}

// What has no op has no work either; a time is nothing only where times are known at all.
function openQuantities(a: ComparedModel, b: ComparedModel): Record<Quantity, Sides> {
  const zero = () => ({ a: 0, b: 0 });
  const timed = (kind: "measured" | "predicted") => ({
    a: a.times?.[kind] ? 0 : null,
    b: b.times?.[kind] ? 0 : null,
  });
  return {
    ops: zero(),
    flops: zero(),
    params: zero(),
    bytes: zero(),
    measured: timed("measured"),
    predicted: timed("predicted"),
  };
}

function orderStages(a: number | null, b: number | null): number {
  return (a ?? Infinity) === (b ?? Infinity) ? 0 : (a ?? Infinity) - (b ?? Infinity);
}

/**
 * The ops of two networks side by side: stage by stage, in order of execution in each, by the alignment that pairs most ops of
 * the same class and among those the ones most alike (Needleman and Wunsch, 1970, with gaps that cost nothing).
 */
export function pairOps(a: ComparedModel, b: ComparedModel): OpPair[] {
  const [opsA, opsB] = [stageOps(a), stageOps(b)];
  const stages = [...new Set([...opsA, ...opsB].map(({ stage }) => stage))].sort(orderStages);
  return stages.flatMap((stage) =>
    alignOps(
      opsA.filter((entry) => entry.stage === stage),
      opsB.filter((entry) => entry.stage === stage),
    ).map(({ a, b }) => ({
      stage,
      opClass: (a ?? b)!.opClass,
      a: a?.op ?? null,
      b: b?.op ?? null,
    })),
  );
}

// A pair of the same class outweighs any likeness of two pairs.
const sameClass = 16;

function rateLikeness(a: StagedOp, b: StagedOp): number {
  if (a.opClass !== b.opClass) return 0;
  const [shapeA, shapeB] = [a.op.outputs[0] ?? [], b.op.outputs[0] ?? []];
  return (
    sameClass +
    (a.op.op === b.op.op ? 1 : 0) +
    (tellWindow(a.op) === tellWindow(b.op) ? 2 : 0) +
    (shapeA.join() === shapeB.join() ? 3 : 0)
  );
}

function alignOps(a: readonly StagedOp[], b: readonly StagedOp[]): { a?: StagedOp; b?: StagedOp }[] {
  const width = b.length + 1;
  // The best rating of what follows from each pair of places.
  const best = new Int32Array((a.length + 1) * width);
  const at = (i: number, j: number) => best[i * width + j]!;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const likeness = rateLikeness(a[i]!, b[j]!);
      best[i * width + j] = Math.max(
        at(i + 1, j),
        at(i, j + 1),
        likeness > 0 ? likeness + at(i + 1, j + 1) : 0,
      );
    }
  const pairs: { a?: StagedOp; b?: StagedOp }[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const likeness = i < a.length && j < b.length ? rateLikeness(a[i]!, b[j]!) : 0;
    if (likeness > 0 && at(i, j) === likeness + at(i + 1, j + 1)) pairs.push({ a: a[i++], b: b[j++] });
    else if (i < a.length && (j >= b.length || at(i, j) === at(i + 1, j))) pairs.push({ a: a[i++] });
    else pairs.push({ b: b[j++] });
  }
  return pairs;
}

/** How much more the second side has; null where either is not known. */
export function subtractSides({ a, b }: Sides): number | null {
  return a === null || b === null ? null : b - a;
}
