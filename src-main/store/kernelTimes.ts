import type { KernelTime } from "../lab/contract.ts";
import { parseProvenance } from "./attempts.ts";
import { readConsistently, type Store } from "./database.ts";

/** Times of what the runtime ran in a cell that is not one op of the graph, e.g. fused GPU kernels; empty when none were told. */
export function readKernelTimes(store: Store, cell: number): KernelTime[] {
  const row = readConsistently(store, () =>
    store
      .statement<{ provenance: string | null }>(
        `SELECT d.provenance FROM cell c JOIN attempt_data d ON d.cell_id = c.id AND d.number = c.kept_attempt
         WHERE c.id = ?`,
      )
      .get(cell),
  );
  return parseProvenance(row?.provenance ?? null)?.kernels ?? [];
}
