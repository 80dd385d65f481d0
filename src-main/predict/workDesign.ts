import type { NetworkWork } from "./workTerms.ts";

/** Networks' work as numbers: coefficients are columns, and each term names those that bend its rate. */
export interface WorkDesign {
  columns: string[];
  networks: CompiledWork[];
}

/** One network's terms; those that no coefficient can tell apart are one. */
export interface CompiledWork {
  /** Natural logarithm of the nominal cycles of each term on the scenario's threads. */
  logCycles: Float64Array;
  /** Term t bends by the entries from `start[t]` to `start[t + 1]`. */
  start: Int32Array;
  column: Int32Array;
  weight: Float64Array;
}

/** Compiles networks for a scenario with so many threads; `columns` are those known before, new ones are added. */
export function compileWork(works: readonly NetworkWork[], threads: number): WorkDesign {
  const places = new Map<string, number>();
  const networks = works.map((work) => compileNetwork(work, threads, places));
  return { columns: [...places.keys()], networks };
}

function compileNetwork(work: NetworkWork, threads: number, places: Map<string, number>): CompiledWork {
  const cycles = new Map<string, { sum: number; columns: number[]; weights: number[] }>();
  for (const { logCycles, threaded, names, weights } of work.terms) {
    const columns = names.map((name) => {
      let place = places.get(name);
      if (place === undefined) places.set(name, (place = places.size));
      return place;
    });
    const amount = Math.exp(logCycles) / (threaded ? threads : 1);
    const key = `${columns.join(" ")} ${weights.join(" ")}`;
    const known = cycles.get(key);
    if (known) known.sum += amount;
    else cycles.set(key, { sum: amount, columns, weights });
  }
  const terms = [...cycles.values()];
  const start = new Int32Array(terms.length + 1);
  terms.forEach(({ columns }, term) => (start[term + 1] = start[term]! + columns.length));
  return {
    logCycles: Float64Array.from(terms, ({ sum }) => Math.log(sum)),
    start,
    column: Int32Array.from(terms.flatMap(({ columns }) => columns)),
    weight: Float64Array.from(terms.flatMap(({ weights }) => weights)),
  };
}

/**
 * Natural logarithm of a network's time in cycles under coefficients, and in `gradient` (if given) its derivative by each
 * coefficient: the share of the time that it bends.
 */
export function sumWork(work: CompiledWork, coefficients: Float64Array, gradient?: Float64Array): number {
  const { logCycles, start, column, weight } = work;
  const terms = logCycles.length;
  const logs = new Float64Array(terms);
  let largest = -Infinity;
  for (let term = 0; term < terms; term++) {
    let log = logCycles[term]!;
    for (let entry = start[term]!; entry < start[term + 1]!; entry++)
      log += weight[entry]! * coefficients[column[entry]!]!;
    logs[term] = log;
    if (log > largest) largest = log;
  }
  let sum = 0;
  for (let term = 0; term < terms; term++) sum += logs[term] = Math.exp(logs[term]! - largest);
  if (gradient)
    for (let term = 0; term < terms; term++) {
      const share = logs[term]! / sum;
      for (let entry = start[term]!; entry < start[term + 1]!; entry++)
        gradient[column[entry]!]! += share * weight[entry]!;
    }
  return largest + Math.log(sum);
}
