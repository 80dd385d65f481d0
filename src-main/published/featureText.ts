/** What a feature of a published operation can be; null where the data set writes `-`, `None` or nothing. */
export type FeatureValue = number | string | boolean | null | FeatureValue[];

/** The features of a published operation by their published names, e.g. `Input_shape`, `Filter`. */
export type PublishedFeatures = Readonly<Record<string, FeatureValue>>;

const number = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y;
const space = /\s*/y;
const word = /[A-Za-z_]+/y;
const words = new Map<string, FeatureValue>([
  ["None", null],
  ["True", true],
  ["False", false],
]);

/**
 * Reads a feature dictionary as the data set writes it, a Python literal such as `{'Kernel': '3', 'Input_channel': 64}`; texts that
 * are numbers become numbers. Gives the place (from 0) and what is wrong there when it is none.
 */
export function readFeatures(
  text: string,
): { features: PublishedFeatures } | { at: number; problem: string } {
  const reader = new LiteralReader(text);
  try {
    return { features: reader.readDictionary() };
  } catch (error) {
    if (error instanceof LiteralError) return { at: error.at, problem: error.message };
    throw error;
  }
}

class LiteralError extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** Lists in lists deeper than this are not features. */
const deepest = 8;

class LiteralReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  readDictionary(): PublishedFeatures {
    const features: Record<string, FeatureValue> = Object.create(null) as Record<string, FeatureValue>;
    this.expect("{");
    while (!this.take("}")) {
      const start = this.at;
      const key = this.readValue(0, true);
      if (typeof key !== "string") throw new LiteralError(start, "a name in quotation marks is expected");
      if (key in features) throw new LiteralError(start, `${key} stands there twice`);
      this.expect(":");
      features[key] = this.readValue(0, false);
      if (!this.take(",") && !this.sees("}")) throw new LiteralError(this.at, "a comma or } is expected");
    }
    this.match(space);
    if (this.at < this.text.length) throw new LiteralError(this.at, "nothing may follow the }");
    return { ...features };
  }

  private readValue(depth: number, asName: boolean): FeatureValue {
    this.match(space);
    const first = this.text[this.at];
    if (first === "'" || first === '"') {
      const text = this.readText(first);
      return asName ? text : readNumberText(text);
    }
    if (first === "[" || first === "(") return this.readList(first === "[" ? "]" : ")", depth);
    const digits = this.match(number);
    if (digits) return Number(digits);
    const start = this.at;
    const name = this.match(word);
    if (name && words.has(name)) return words.get(name)!;
    throw new LiteralError(start, first === undefined ? "it ends too early" : "no value can start like this");
  }

  private readList(end: string, depth: number): FeatureValue[] {
    if (depth >= deepest) throw new LiteralError(this.at, "lists are too deep in one another");
    this.at++;
    const list: FeatureValue[] = [];
    while (!this.take(end)) {
      list.push(this.readValue(depth + 1, false));
      if (!this.take(",") && !this.sees(end))
        throw new LiteralError(this.at, `a comma or ${end} is expected`);
    }
    return list;
  }

  private readText(mark: string): string {
    const end = this.text.indexOf(mark, this.at + 1);
    if (end === -1) throw new LiteralError(this.at, "the text is never closed");
    const text = this.text.slice(this.at + 1, end);
    if (text.includes("\\")) throw new LiteralError(this.at, "backslashes in texts are not known");
    this.at = end + 1;
    return text;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private sees(character: string): boolean {
    this.match(space);
    return this.text[this.at] === character;
  }

  private take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.take(character)) throw new LiteralError(this.at, `${character} is expected`);
  }
}

const wholeNumber = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

function readNumberText(text: string): FeatureValue {
  if (text === "" || text === "-") return null;
  return wholeNumber.test(text) ? Number(text) : text;
}
