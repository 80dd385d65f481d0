import type { Device } from "../lab/contract.ts";
import type { CellResult, StoredCell } from "../store/runs.ts";

/** What trying a cell gave. */
export interface Filled {
  result: CellResult;
  /**
   * Whether another try may go better: `no`, `later` in this run (it was ended by something that passes), or once the device
   * is `back`.
   */
  again: "no" | "later" | "back";
}

/** A measured cell that later evidence speaks against. */
export interface Suspect {
  cell: number;
  /** Why, in words; becomes the attempt's error. */
  reason: string;
}

/** Tells what is being done, for people. */
export type Report = (note: string) => void;

/** What fills cells on one device; made for one run and closed after it. */
export interface Bench {
  readonly device: Device;
  /** Gets the device ready before the first cell; rejects when it cannot be measured at all. */
  prepare(report: Report): Promise<void>;
  /**
   * Measures a cell; what goes wrong with the cell is a failed result. `next` is what comes after it, to be made ready
   * meanwhile. Rejects when the run must end: cancelled, or a fault of the lab.
   */
  measure(cell: StoredCell, next: StoredCell | null, report: Report): Promise<Filled>;
  /** Waits until the device is back and ready; rejects with phone-lost when patience ends. */
  recover(report: Report): Promise<void>;
  /** Cells of this run that should be measured again, told once each; `last` when no cell follows. */
  listSuspects(last: boolean, report: Report): Promise<Suspect[]>;
  /** Judges done cells again by what is known by now. Gives the ids of those that changed. */
  rejudge(attempted: ReadonlySet<number>): number[];
  /** Leaves the device as it was found; never rejects. */
  close(): Promise<void>;
}

/** A cell that gave nothing but the reason. */
export function failedCell(error: string, stderr = ""): CellResult {
  return {
    state: "failed",
    samples: [],
    opTimes: [],
    provenance: null,
    stderr,
    error,
    latencyMs: null,
    spreadMs: null,
  };
}
