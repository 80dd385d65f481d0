import { median } from "../model/median.ts";
import { solveCholesky } from "./linear.ts";
import { sumWork, type CompiledWork } from "./workDesign.ts";

/** Groups of coefficients that share one prior variance. */
const kinds: readonly { prefix: string; sd: number }[] = [
  { prefix: "group ", sd: 0.4 },
  { prefix: "class ", sd: 0.5 },
  { prefix: "calls", sd: 1 },
  { prefix: "shape ", sd: 0.12 },
];

export interface WorkRates {
  level: number;
  coefficients: Float64Array;
  scales: number[];
  noise: number;
  nll: number;
}

export interface FitOptions { scales?: number[]; noise?: number; fixed?: boolean }

export function kindOf(name: string): number {
  return kinds.findIndex(({ prefix }) => name.startsWith(prefix));
}

const levelSd = 3;

export function fitWorkRates(
  design: { columns: string[]; networks: readonly CompiledWork[] },
  logMs: Float64Array,
  plain = false,
  options: FitOptions = {},
): WorkRates {
  const count = logMs.length;
  const columns = design.columns.length;
  const kind = Int32Array.from(design.columns, kindOf);
  const active = Float64Array.from(design.columns, (name) => (plain && name.startsWith('shape ') ? 0 : 1));
  let coefficients: Float64Array = new Float64Array(columns);
  let level = 0;
  const jacobian = new Float64Array(count * columns);
  const f = new Float64Array(count);
  let scales = options.scales ?? kinds.map(() => 1);
  let noise = options.noise ?? 0.03;
  const grams = kinds.map(() => new Float64Array(count * count));
  let nll = 0;
  const linearise = () => {
    jacobian.fill(0);
    for (let n = 0; n < count; n++)
      f[n] = sumWork(design.networks[n]!, coefficients, jacobian.subarray(n * columns, (n + 1) * columns));
    if (plain) for (let p = 0; p < jacobian.length; p++) jacobian[p]! *= active[p % columns]!;
  };
  linearise();
  const level0 = median(Array.from(f, (v, n) => logMs[n]! - v));
  level = level0;
  for (let round = 0; round < 8; round++) {
    if (round > 0) linearise();
    grams.forEach((g) => g.fill(0));
    const target = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let dot = 0;
      for (let c = 0; c < columns; c++) dot += jacobian[i * columns + c]! * coefficients[c]!;
      target[i] = logMs[i]! - f[i]! - level0 + dot;
      for (let j = 0; j <= i; j++) {
        for (let c = 0; c < columns; c++) {
          const product = jacobian[i * columns + c]! * jacobian[j * columns + c]!;
          if (product !== 0) grams[kind[c]!]![i * count + j]! += product;
        }
        for (const g of grams) g[j * count + i] = g[i * count + j]!;
      }
    }
    if (!options.fixed && (round === 0 || round === 2 || round === 4)) [scales, noise, nll] = tune(grams, target, scales, noise);
    const alpha = solve(grams, target, scales, noise).alpha;
    const next = new Float64Array(columns);
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += jacobian[n * columns + c]! * alpha[n]!;
      next[c] = sum * (kinds[kind[c]!]!.sd * scales[kind[c]!]!) ** 2;
    }
    let shift = 0;
    for (let n = 0; n < count; n++) shift += alpha[n]!;
    const nextLevel = level0 + shift * levelSd ** 2;
    const loss = (b: Float64Array, l: number) => {
      let sum = ((l - level0) / levelSd) ** 2;
      for (let c = 0; c < columns; c++) sum += (b[c]! / (kinds[kind[c]!]!.sd * scales[kind[c]!]!)) ** 2;
      for (let n = 0; n < count; n++) sum += ((logMs[n]! - l - sumWork(design.networks[n]!, b)) / noise) ** 2;
      return sum;
    };
    const before = loss(coefficients, level);
    let step = 1;
    let moved = 0;
    for (; step > 0.01; step /= 2) {
      const trial = coefficients.map((v, c) => v + step * (next[c]! - v));
      const l = level + step * (nextLevel - level);
      const after = loss(trial, l);
      if (after > before) continue;
      moved = before - after;
      coefficients = trial;
      level = l;
      break;
    }
    if (moved < 0.05 && (round > 4 || options.fixed)) break;
  }
  return { level, coefficients, scales, noise, nll };
}

function solve(grams: Float64Array[], target: Float64Array, scales: number[], noise: number) {
  const count = target.length;
  const matrix = new Float64Array(count * count).fill(levelSd ** 2);
  grams.forEach((g, k) => {
    const v = (kinds[k]!.sd * scales[k]!) ** 2;
    for (let p = 0; p < g.length; p++) matrix[p]! += v * g[p]!;
  });
  for (let i = 0; i < count; i++) matrix[i * count + i]! += noise ** 2;
  const alpha = solveCholesky(matrix, target)!;
  let value = 0;
  for (let i = 0; i < count; i++) value += 0.5 * target[i]! * alpha[i]! + Math.log(matrix[i * count + i]!);
  return { alpha, value };
}

function tune(grams: Float64Array[], target: Float64Array, scales: number[], noise: number): [number[], number, number] {
  const at = (logs: number[]) => {
    const s = logs.slice(0, -1).map(Math.exp);
    const { value } = solve(grams, target, s, Math.exp(logs.at(-1)!));
    // Weak hyper-priors keep few networks from ruling a scale out.
    let prior = 0;
    for (const l of logs.slice(0, -1)) prior += 0.5 * (l / 0.7) ** 2;
    prior += 0.5 * ((logs.at(-1)! - Math.log(0.03)) / 0.7) ** 2;
    return value + prior;
  };
  let logs = [...scales.map(Math.log), Math.log(noise)];
  let best = at(logs);
  let step = 0.6;
  while (step > 0.1) {
    let improved = false;
    for (let k = 0; k < logs.length; k++)
      for (const sign of [1, -1]) {
        const trial = [...logs];
        trial[k]! += sign * step;
        const value = at(trial);
        if (value < best - 1e-6) { best = value; logs = trial; improved = true; break; }
      }
    if (!improved) step /= 2;
  }
  return [logs.slice(0, -1).map(Math.exp), Math.exp(logs.at(-1)!), best];
}
