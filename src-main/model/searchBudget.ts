import type { Random } from "./random.ts";

/** What a network may cost. */
export interface Budget {
  flops: number;
  /** Size of the .tflite file. */
  bytes: number;
}

/** How wide a network is: `width` scales all channels, `growth` those at low resolution against those at high. */
export interface Scale {
  width: number;
  growth: number;
}

// Medians, spreads (natural logarithm) and correlation of the published synthetic networks of arXiv 2210.02620, float32:
// FLOPs 0.56, 1.5, 3.9 G and file sizes 9.4, 17, 41 MB at 5, 50 and 95 %. The sizes lean to the large side.
const medianFlops = 1.5e9;
const flopsSpread = 0.59;
const medianBytes = 17e6;
const bytesSpreadBelow = 0.36;
const bytesSpreadAbove = 0.53;
const correlation = 0.6;
const farthest = 2.3;

/** A budget spread like the published synthetic networks. */
export function drawBudget(random: Random): Budget {
  const first = random.normal();
  const second = correlation * first + Math.sqrt(1 - correlation ** 2) * random.normal();
  const [flops, bytes] = [clamp(first, -farthest, farthest), clamp(second, -farthest, farthest)];
  return {
    flops: medianFlops * Math.exp(flopsSpread * flops),
    bytes: medianBytes * Math.exp((bytes < 0 ? bytesSpreadBelow : bytesSpreadAbove) * bytes),
  };
}

const rounds = 7;
const closeEnough = 0.04;
const widthRange = [0.2, 8] as const;
const growthRange = [0.25, 4] as const;

/** A network scaled towards its budget; `miss` is the sum of the relative errors of FLOPs and bytes (natural logarithms). */
export interface FittedNetwork<T> {
  network: T;
  miss: number;
}

/**
 * Scales a network towards its budget: builds it a few times, after each correcting the width by the FLOPs it missed and the
 * growth by the bytes (most FLOPs lie at high resolution, most weights at low), and returns the closest. A budget that the
 * structure cannot meet is missed; the channels stay those of a plausible network.
 */
export function fitBudget<T extends { size: Budget }>(
  build: (scale: Scale) => T,
  budget: Budget,
): FittedNetwork<T> {
  let scale: Scale = { width: 1, growth: 1 };
  let best: FittedNetwork<T> | null = null;
  for (let round = 0; round < rounds; round++) {
    const network = build(scale);
    const flopsRatio = Math.log(budget.flops / network.size.flops);
    const bytesRatio = Math.log(budget.bytes / network.size.bytes);
    const miss = Math.abs(flopsRatio) + Math.abs(bytesRatio);
    if (!best || miss < best.miss) best = { network, miss };
    if (miss < closeEnough) break;
    scale = {
      width: clamp(scale.width * Math.exp(0.5 * flopsRatio), ...widthRange),
      growth: clamp(scale.growth * Math.exp(0.6 * (bytesRatio - flopsRatio)), ...growthRange),
    };
  }
  return best!;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
