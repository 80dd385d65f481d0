import { buildProxylessnas, mobileWidths, proxylessnas, type ProxylessUnit } from "../zoo/proxylessnas.ts";
import { describeChoices, formatChoices, readChoices } from "./choiceList.ts";
import { EncodingError, type SearchSpace } from "./space.ts";

/** The operations in the order of the authors' code; a digit of an encoding counts from 0. */
export const proxylessOperations = [
  "3x3_MBConv3",
  "3x3_MBConv6",
  "5x5_MBConv3",
  "5x5_MBConv6",
  "7x7_MBConv3",
  "7x7_MBConv6",
  "Zero",
] as const;

export type ProxylessOperation = (typeof proxylessOperations)[number];

/** Units of the searched stages; the first stage is one unit that is always the same. */
const stageUnits = [4, 4, 4, 4, 4, 1];
const units = stageUnits.reduce((sum, count) => sum + count, 0);
const choiceSpace = { units, operations: proxylessOperations };

/** The chosen operations of all 21 units in order; throws an EncodingError, also where a unit that changes the shape is left out. */
export function parseProxyless(text: string): ProxylessOperation[] {
  const choices = readChoices(text, choiceSpace);
  let first = 0;
  for (const count of stageUnits) {
    const { operation, position } = choices[first]!;
    if (operation === "Zero")
      throw new EncodingError(
        position,
        `unit ${first + 1} begins a stage and cannot be Zero`,
        "Only units 2 to 4 of a stage can be left out; the last stage has none.",
      );
    first += count;
  }
  return choices.map(({ operation }) => operation);
}

/** The usual encoding of the operations. */
export function formatProxyless(operations: readonly ProxylessOperation[]): string {
  return formatChoices(operations, choiceSpace);
}

/** ProxylessNAS' space with the widths of its network for phones (7¹⁵ × 6⁶ candidates), `proxyless:`. */
export const proxylessSpace: SearchSpace = {
  prefix: "proxyless",
  family: proxylessnas.family,
  paper: proxylessnas.paper,
  grammar: describeChoices(choiceSpace),
  example: "206640225222322255445",
  read: (text) => {
    const operations = parseProxyless(text);
    return {
      encoding: formatProxyless(operations),
      build: (name) => buildProxylessnas(name, { ...mobileWidths, units: groupStages(operations) }),
    };
  },
};

function groupStages(operations: readonly ProxylessOperation[]): ProxylessUnit[][] {
  const chosen = operations.map(nameUnit);
  let start = 0;
  return [["3x3 1"], ...stageUnits.map((count) => chosen.slice(start, (start += count)))];
}

function nameUnit(operation: ProxylessOperation): ProxylessUnit {
  return operation === "Zero" ? "-" : (operation.replace("_MBConv", " ") as ProxylessUnit);
}
