const fewest = 6;
const shares = [0.2, 0.4, 0.8];

/** Numbers of networks to learn from that make a curve of so many measured ones; empty where they are too few for one. */
export function suggestSizes(networks: number): number[] {
  const sizes = shares.map((share) => Math.max(fewest, Math.floor(share * networks)));
  return [...new Set(sizes)].filter((size) => size < networks);
}

/** The whole numbers of a text such as `10, 20 30`, or null when there is something else in it. */
export function readSizes(text: string): number[] | null {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  return words.every((word) => /^[1-9]\d{0,5}$/.test(word)) ? words.map(Number) : null;
}
