import { activationOperators } from "./activationOperators.ts";
import { convolutionOperators } from "./convolutionOperators.ts";
import { einsumOperators } from "./einsumOperator.ts";
import { elementwiseOperators, type Operator } from "./elementwiseOperators.ts";
import { arithmeticFolders } from "./foldedArithmetic.ts";
import { movementFolders, type Folder } from "./foldedMovement.ts";
import { scatterFolders } from "./foldedScatter.ts";
import { matrixOperators } from "./matrixOperators.ts";
import { movementOperators } from "./movementOperators.ts";
import type { OnnxNode } from "./onnxModel.ts";
import { OnnxProblem } from "./onnxProblem.ts";
import { poolingOperators } from "./poolingOperators.ts";
import { reductionOperators } from "./reductionOperators.ts";
import { resizeOperators } from "./resizeOperators.ts";

const operators = new Map<string, Operator>(
  Object.entries({
    ...convolutionOperators,
    ...poolingOperators,
    ...matrixOperators,
    ...elementwiseOperators,
    ...activationOperators,
    ...reductionOperators,
    ...movementOperators,
    ...resizeOperators,
    ...einsumOperators,
  }),
);

const folders = new Map<string, Folder>(
  Object.entries({ ...movementFolders, ...arithmeticFolders, ...scatterFolders }),
);

/** Operators that ask for the shape of a value only. */
export const shapeOperators: ReadonlySet<string> = new Set(["Shape", "Size"]);

/** What turns a node into TFLite operators; null when it can only be computed from known inputs. */
export function findOperator(node: OnnxNode): Operator | null {
  return operators.get(node.type) ?? null;
}

/** What computes a node from known inputs, or null. */
export function findFolder(node: OnnxNode): Folder | null {
  return folders.get(node.type) ?? null;
}

/** Refuses a network with operators nothing here knows, all of them named with their number in one line. */
export function checkOperators(nodes: readonly OnnxNode[]): void {
  const unknown = new Map<string, number>();
  for (const { type, domain } of nodes) {
    const known = operators.has(type) || folders.has(type) || shapeOperators.has(type);
    if (known && domain === "") continue;
    const name = (domain ? `${domain}.${type}` : type).slice(0, 80);
    unknown.set(name, (unknown.get(name) ?? 0) + 1);
  }
  if (unknown.size === 0) return;
  const sorted = [...unknown].sort(([a, left], [b, right]) => right - left || a.localeCompare(b));
  const listed = sorted.slice(0, 20).map(([name, count]) => `${name} ×${count}`);
  if (sorted.length > listed.length) listed.push(`${sorted.length - listed.length} more`);
  throw new OnnxProblem(
    `it uses operators that are not supported: ${listed.join(", ")}`,
    "Export the network without them (often the part after the last layer), or convert it with another tool and add the .tflite file.",
  );
}
