import type { Suspect } from "./bench.ts";
import { chooseTolerance } from "./speedState.ts";

/**
 * A block of cells ends after this many: with cells of 3 s a canary of 0.3 s costs 1 % of the time then, and what a drift makes
 * worthless is at most half a minute.
 */
export const cellsPerBlock = 10;
/** Thorough cells take longer than phones take to get warm: a block also ends after this time. */
export const longestBlockMs = 120_000;

/** What a canary may differ from another reading, as a ratio. */
export interface BlockTolerance {
  /** From its time in the fast state. */
  reference: number;
  /** Between the two ends of a block: two readings of one state differ by their noise alone, so less is allowed. */
  drift: number;
}

/** Tolerances for a number of threads: several wait for each other, and scatter more. */
export function chooseBlockTolerance(threads: number): BlockTolerance {
  const reference = chooseTolerance(threads).canary;
  return { reference, drift: threads > 1 ? 1.18 : 1.1 };
}

/** Why cells between two readings of the canary cannot be trusted, in words, or null. Times in ms. */
export function findDrift(
  beforeMs: number,
  afterMs: number,
  referenceMs: number,
  tolerance: BlockTolerance,
): string | null {
  const slowest = Math.max(beforeMs, afterMs);
  if (slowest > referenceMs * tolerance.reference)
    return `the canary took ${formatRatio(slowest / referenceMs)} its time in the device's fast state`;
  const drift = slowest / Math.min(beforeMs, afterMs);
  if (drift > tolerance.drift)
    return `the canary drifted by ${formatPercent(drift)} from one end of the cell's block to the other`;
  return null;
}

function formatRatio(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}

function formatPercent(ratio: number): string {
  return `${Math.round((ratio - 1) * 100)} %`;
}

/** Where the fast state's canary times are kept. */
export interface ReferenceShelf {
  /** ms, or null when none is known. */
  get: (coreSet: string) => number | null;
  set: (coreSet: string, ms: number) => void;
}

interface Block {
  coreSet: string;
  cells: number[];
  beforeMs: number;
  afterMs: number;
}

/**
 * Brackets cells between readings of the canary, for tools that run none themselves. The canary that ends a block begins the
 * next one of the same core set. References only fall; when one falls, earlier blocks are judged by it too.
 */
export class CanaryBlocks {
  private readonly shelf: ReferenceShelf;
  private readonly threadsOf: (coreSet: string) => number;
  private readonly now: () => number;
  private readonly before = new Map<string, number>();
  private readonly closed: Block[] = [];
  private open: { cell: number; coreSet: string }[] = [];
  private openedMs: number | null = null;

  constructor(
    shelf: ReferenceShelf,
    threadsOf: (coreSet: string) => number,
    now: () => number = () => performance.now(),
  ) {
    this.shelf = shelf;
    this.threadsOf = threadsOf;
    this.now = now;
  }

  /** Takes a reading that begins what follows; call it before the first cell of a core set, and after the device was away. */
  begin(coreSet: string, canaryMs: number): void {
    this.learn(coreSet, canaryMs);
    this.before.set(coreSet, canaryMs);
  }

  /** Adds a measured cell to the open block, which begins with it when there is none. */
  add(cell: number, coreSet: string): void {
    this.openedMs ??= this.now();
    this.open.push({ cell, coreSet });
  }

  /** The core sets whose canary is to be read now; none while the block may go on. */
  listDue(last: boolean): string[] {
    if (this.open.length === 0) return [];
    const full = this.open.length >= cellsPerBlock || this.now() - this.openedMs! >= longestBlockMs;
    return last || full ? [...new Set(this.open.map(({ coreSet }) => coreSet))] : [];
  }

  /** Ends the open block with a reading of each of its core sets (ms) and tells the cells that cannot be trusted. */
  close(readings: ReadonlyMap<string, number>): Suspect[] {
    for (const [coreSet, afterMs] of readings) {
      const cells = this.open.filter((entry) => entry.coreSet === coreSet).map(({ cell }) => cell);
      const beforeMs = this.before.get(coreSet) ?? afterMs;
      if (cells.length > 0) this.closed.push({ coreSet, cells, beforeMs, afterMs });
      this.begin(coreSet, afterMs);
    }
    this.abandon();
    return this.judge();
  }

  /** Ends the open block without a reading: the device went away, and what it was like there nobody can tell any more. */
  abandon(): void {
    this.open = [];
    this.openedMs = null;
  }

  private learn(coreSet: string, canaryMs: number): void {
    const known = this.shelf.get(coreSet);
    if (canaryMs > 0 && (known === null || canaryMs < known)) this.shelf.set(coreSet, canaryMs);
  }

  // What was told is forgotten, so that each cell is told once; measured again it stands in a new block.
  private judge(): Suspect[] {
    const suspects: Suspect[] = [];
    for (const block of [...this.closed]) {
      const referenceMs = this.shelf.get(block.coreSet) ?? block.afterMs;
      const tolerance = chooseBlockTolerance(this.threadsOf(block.coreSet));
      const reason = findDrift(block.beforeMs, block.afterMs, referenceMs, tolerance);
      if (reason === null) continue;
      suspects.push(...block.cells.map((cell) => ({ cell, reason })));
      this.closed.splice(this.closed.indexOf(block), 1);
    }
    return suspects;
  }
}
