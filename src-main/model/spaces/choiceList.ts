import { EncodingScanner } from "./encodingScanner.ts";

/** A unit of a network for which a search chooses one of its space's operations. */
export interface Choice<T extends string> {
  operation: T;
  /** Where it is written, counted from 0. */
  position: number;
}

/** What a list chooses from: so many units, and operations whose index is what a digit means. */
export interface ChoiceSpace<T extends string> {
  units: number;
  /** At most ten. */
  operations: readonly T[];
}

/** How a list of choices is written, in one line. */
export function describeChoices({ units, operations }: ChoiceSpace<string>): string {
  const numbered = operations.map((operation, index) => `${index} ${operation}`).join(", ");
  return `Give ${units} choices, as digits or as names with commas between them: ${numbered}.`;
}

/**
 * Reads one choice a unit: digits one after another (`0286`), or digits or names with commas between them, as a list of Python
 * or JSON when it likes (`[0, 2]`, `["k3_e1", "skip"]`). Throws an EncodingError at what is not.
 */
export function readChoices<T extends string>(text: string, space: ChoiceSpace<T>): Choice<T>[] {
  const scanner = new EncodingScanner(text);
  const allowed = describeChoices(space);
  const bracketed = scanner.accept("[");
  const choices: Choice<T>[] = [];
  let commas: boolean | null = null;
  while (choices.length < space.units) {
    if (commas && !scanner.accept(",")) tellShort(scanner, choices.length, space.units, allowed);
    scanner.skipSpaces();
    if (scanner.ended || scanner.follows(/^\]/)) tellShort(scanner, choices.length, space.units, allowed);
    choices.push(readChoice(scanner, space, allowed));
    scanner.skipSpaces();
    commas ??= scanner.follows(/^,/);
  }
  if (bracketed) scanner.expect("]", allowed);
  scanner.expectEnd(allowed);
  return choices;
}

function tellShort(scanner: EncodingScanner, read: number, units: number, allowed: string): never {
  const problem = scanner.ended || scanner.follows(/^\]/) ? "the list ends" : "a comma is missing";
  scanner.fail(`${problem} after ${read} of ${units} choices`, allowed);
}

function readChoice<T extends string>(
  scanner: EncodingScanner,
  { operations }: ChoiceSpace<T>,
  allowed: string,
): Choice<T> {
  const quote = ['"', "'"].find((mark) => scanner.accept(mark));
  const { position } = scanner;
  const word = scanner.peekWord();
  const digit = quote === undefined && /^\d+$/.test(word);
  const operation = digit ? operations[Number(word[0])] : operations.find((name) => name === word);
  if (operation === undefined)
    scanner.fail(`${digit ? word[0] : scanner.describeNext()} is no choice`, allowed);
  scanner.expect(digit ? word[0]! : word, allowed);
  if (quote !== undefined) scanner.expect(quote, allowed);
  return { operation, position };
}

/** The usual encoding: the operations' indices, one digit each. */
export function formatChoices<T extends string>(
  choices: readonly T[],
  { operations }: ChoiceSpace<T>,
): string {
  return choices.map((operation) => operations.indexOf(operation)).join("");
}
