/** A stream of pseudo-random numbers that a seed decides wholly; the same on every machine. */
export interface Random {
  /** A number in [0, 1) with 32 random bits. */
  next(): number;
  /** An integer in [low, high], both ends included; throws when the range is empty. */
  int(low: number, high: number): number;
  /** An element of a list; throws when the list is empty. */
  pick<T>(list: readonly T[]): T;
  /** An element with a probability in proportion to its weight; throws when no weight is positive. */
  pickWeighted<T>(entries: readonly (readonly [value: T, weight: number])[]): T;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** A number from the standard normal distribution (Box and Muller 1958). */
  normal(): number;
  /** A new list with the same elements in random order (Fisher and Yates). */
  shuffle<T>(list: readonly T[]): T[];
}

const two32 = 2 ** 32;

/**
 * Random numbers by sfc32 (Chris Doty-Humphrey, PractRand: "small fast chaotic", 128 bits of state, one of them a counter
 * that guarantees a period of at least 2^32). Any finite number is a seed, integers up to 2^53 give distinct streams.
 */
export function createRandom(seed: number): Random {
  const draw = createWords(seed);
  const next = () => draw() / two32;
  const int = (low: number, high: number) => {
    if (!(high >= low)) throw new Error(`No integer lies between ${low} and ${high}`);
    return low + Math.floor(next() * (high - low + 1));
  };
  return {
    next,
    int,
    pick: (list) => {
      if (list.length === 0) throw new Error("Cannot pick from an empty list");
      return list[int(0, list.length - 1)]!;
    },
    pickWeighted: (entries) => pickWeighted(entries, next()),
    chance: (probability) => next() < probability,
    normal: () => {
      // 1 − next() lies in (0, 1]: the logarithm stays finite.
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      return radius * Math.cos(2 * Math.PI * next());
    },
    shuffle: (list) => {
      const copy = list.slice();
      for (let last = copy.length - 1; last > 0; last--) {
        const other = int(0, last);
        [copy[last], copy[other]] = [copy[other]!, copy[last]!];
      }
      return copy;
    },
  };
}

/** Fills `target` with uniform numbers in ±`limit` (rounded to float32), the same for the same seed. */
export function fillUniform(target: Float32Array, seed: number, limit: number): void {
  createUniform(seed, limit)(target);
}

/** The numbers of `fillUniform` one piece after another: each call fills its array with those that follow. */
export function createUniform(seed: number, limit: number): (target: Float32Array) => void {
  // Zero times a negative number would be −0.
  if (limit === 0) return (target) => target.fill(0);
  const draw = createWords(seed);
  const scale = limit / 2 ** 31;
  return (target) => {
    for (let index = 0; index < target.length; index++) target[index] = (draw() - 2 ** 31) * scale;
  };
}

/**
 * The seed of an independent stream named by `keys`, e.g. `deriveSeed(seed, "weights", 7)`: an integer in [0, 2^53).
 * Keys are told apart by type and length, so ("a", "b") is not ("ab").
 */
export function deriveSeed(seed: number, ...keys: (string | number)[]): number {
  const hash = createHash();
  absorbNumber(hash, seed);
  for (const key of keys) {
    if (typeof key === "number") absorbNumber(hash, key);
    else absorbText(hash, key);
  }
  const [high, low] = finish(hash);
  return (high >>> 11) * two32 + low;
}

interface Hash {
  a: number;
  b: number;
}

function createHash(): Hash {
  return { a: 0x9e3779b9, b: 0x243f6a88 };
}

// Two lanes of MurmurHash3's 32-bit body (Austin Appleby, public domain), each with constants of its own.
function absorb(hash: Hash, word: number): void {
  let a = Math.imul(word, 0xcc9e2d51);
  a = Math.imul((a << 15) | (a >>> 17), 0x1b873593) ^ hash.a;
  hash.a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0;
  let b = Math.imul(word, 0x239b961b);
  b = Math.imul((b << 16) | (b >>> 16), 0x38b34ae5) ^ hash.b;
  hash.b = (Math.imul((b << 18) | (b >>> 14), 5) + 0x96cd1c35) | 0;
}

const numberView = new DataView(new ArrayBuffer(8));

function absorbNumber(hash: Hash, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`A seed must be a finite number, not ${value}`);
  // Adding 0 turns −0 into 0, which compare equal and must hash equal.
  numberView.setFloat64(0, value + 0);
  absorb(hash, 1);
  absorb(hash, numberView.getUint32(0));
  absorb(hash, numberView.getUint32(4));
}

function absorbText(hash: Hash, text: string): void {
  absorb(hash, 2);
  absorb(hash, text.length);
  for (let index = 0; index < text.length; index++) absorb(hash, text.charCodeAt(index));
}

function finish(hash: Hash): [number, number] {
  const a = mix(hash.a + hash.b);
  const b = mix(hash.b + a);
  return [mix(a + b), mix(b ^ 0x85ebca6b)];
}

/** MurmurHash3's finaliser: every bit of the input changes every bit of the output with probability near one half. */
function mix(word: number): number {
  let x = word | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function createWords(seed: number): () => number {
  const hash = createHash();
  absorbNumber(hash, seed);
  const [first, second] = finish(hash);
  let a = first | 0;
  let b = second | 0;
  let c = hash.a;
  let counter = 1;
  const draw = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  // The generator's author discards the first outputs, so that close seeds have parted.
  for (let round = 0; round < 15; round++) draw();
  return draw;
}

function pickWeighted<T>(entries: readonly (readonly [value: T, weight: number])[], share: number): T {
  let total = 0;
  for (const [, weight] of entries) total += Math.max(weight, 0);
  if (!(total > 0)) throw new Error("Cannot pick: no weight is positive");
  let left = share * total;
  let chosen: T | undefined;
  for (const [value, weight] of entries) {
    if (weight <= 0) continue;
    chosen = value;
    left -= weight;
    if (left < 0) break;
  }
  return chosen as T;
}
