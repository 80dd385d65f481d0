import { EncodingError } from "./space.ts";

/** Reads an encoding from left to right; whatever does not come as expected throws an EncodingError at its place. */
export class EncodingScanner {
  private readonly text: string;
  private place = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The next character's place, from 0. */
  get position(): number {
    return this.place;
  }

  get ended(): boolean {
    return this.place === this.text.length;
  }

  /** Steps over `literal` when it comes next; tells whether it did. */
  accept(literal: string): boolean {
    if (!this.text.startsWith(literal, this.place)) return false;
    this.place += literal.length;
    return true;
  }

  /** Steps over `literal`. */
  expect(literal: string, allowed: string): void {
    if (!this.accept(literal)) this.fail(`${literal} is expected, not ${this.describeNext()}`, allowed);
  }

  /** Steps over a word of letters, digits and underscores that is one of `words`. */
  expectWord<T extends string>(words: readonly T[], what: string): T {
    const start = this.place;
    const word = this.peekWord();
    const known = words.find((candidate) => candidate === word);
    if (known === undefined)
      this.fail(
        `${word === "" ? this.describeNext() : word} is no ${what}`,
        `Use one of ${words.join(", ")}.`,
      );
    this.place = start + word.length;
    return known;
  }

  /** Ends reading; nothing may follow. */
  expectEnd(allowed: string): void {
    if (!this.ended) this.fail(`${this.describeNext()} follows where nothing is expected`, allowed);
  }

  /** Ends reading with a mistake at the next character, or at `position`. */
  fail(problem: string, allowed: string, position = this.place): never {
    throw new EncodingError(position, problem, allowed);
  }

  /** Steps over spaces. */
  skipSpaces(): void {
    while (this.text[this.place] === " ") this.place++;
  }

  /** Whether the text goes on with `pattern`, which starts with `^`; 40 characters are looked at. */
  follows(pattern: RegExp): boolean {
    return pattern.test(this.ahead());
  }

  /** The word of letters, digits and underscores that comes next, empty when none does. */
  peekWord(): string {
    return /^\w*/.exec(this.ahead())![0];
  }

  /** What comes next, as messages name it. */
  describeNext(): string {
    if (this.ended) return "the end";
    const word = this.peekWord();
    return word === "" ? JSON.stringify([...this.text.slice(this.place)][0]) : word;
  }

  private ahead(): string {
    return this.text.slice(this.place, this.place + 40);
  }
}
