import Papa from "papaparse";
import type { Provenance } from "../lab/contract.ts";
import { parseProvenance } from "./attempts.ts";
import { readConsistently, type Store } from "./database.ts";
import { decodeOpTimes } from "./opTimeBlob.ts";

const cellColumns = [
  "run",
  "cell",
  "scenario",
  "device",
  "cores",
  "precision",
  "runtime",
  "model",
  "family",
  "modelHash",
  "flops",
  "params",
  "modelBytes",
  "repetition",
  "state",
  "attempts",
  "latencyMs",
  "spreadMs",
  "kept",
  "total",
  "error",
] as const;

const provenanceColumns = [
  "runtimeVersion",
  "runtimeHash",
  "coreMask",
  "flags",
  "startedAt",
  "finishedAt",
  "canaryReferenceMs",
  "frequencyMhzBefore",
  "frequencyMhzAfter",
  "loadBefore",
  "loadAfter",
  "temperatureCBefore",
  "temperatureCAfter",
  "peakMemoryBytes",
  "initMs",
  "firstInferenceMs",
] as const satisfies readonly (keyof Provenance)[];

const opColumns = ["run", "cell", "scenario", "model", "modelHash", "state", "op", "type", "opMs"] as const;

interface ExportedCell extends Record<(typeof cellColumns)[number], string | number | null> {
  provenance: string | null;
  opTimes: Uint8Array | null;
}

/**
 * Every measured cell (done, noisy and failed) of a scenario, or of all, as CSV with a header line: one row a cell, or with
 * `ops` one row for each op of a cell. Absent values are empty fields; lines end in CR LF (RFC 4180). `rows` leaves the
 * header out.
 */
export function exportMeasurementsCsv(
  store: Store,
  options: { scenario?: string; ops?: boolean },
): { csv: string; rows: number } {
  return readConsistently(store, () => {
    const scenario = options.scenario ?? null;
    const cells = store.statement<ExportedCell>(selectCells).iterate({ scenario });
    const fields = options.ops ? [...opColumns] : [...cellColumns, ...provenanceColumns];
    const data: (string | number | null)[][] = [];
    for (const cell of cells) {
      if (options.ops) data.push(...listOpRows(cell));
      else data.push(listCellRow(cell));
    }
    return { csv: Papa.unparse({ fields, data }, { newline: "\r\n" }), rows: data.length };
  });
}

function listCellRow(cell: ExportedCell): (string | number | null)[] {
  const provenance = parseProvenance(cell.provenance);
  const own = cellColumns.map((column) => cell[column]);
  const origin = provenanceColumns.map((column) => {
    const value = provenance?.[column] ?? null;
    return Array.isArray(value) ? value.join(" ") : value;
  });
  return [...own, ...origin];
}

function listOpRows(cell: ExportedCell): (string | number | null)[][] {
  if (!cell.opTimes) return [];
  const { run, cell: id, scenario, model, modelHash, state } = cell;
  return decodeOpTimes(cell.opTimes).map(({ op, type, ms }) => {
    return [run, id, scenario, model, modelHash, state, op, type, ms];
  });
}

const selectCells = `SELECT c.run_id AS run, c.id AS cell, s.name AS scenario, s.device, s.cores, s.precision,
  s.runtime, m.name AS model, m.family, m.hash AS modelHash, m.flops, m.params, m.bytes AS modelBytes, c.repetition,
  a.state, c.attempts, a.latency_ms AS latencyMs, a.spread_ms AS spreadMs, a.kept, a.total, a.error, d.provenance,
  d.op_times AS opTimes
  FROM cell c JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt
  JOIN attempt_data d ON d.cell_id = a.cell_id AND d.number = a.number
  JOIN scenario s ON s.id = c.scenario_id JOIN model m ON m.id = c.model_id
  WHERE @scenario IS NULL OR s.name = @scenario ORDER BY c.id`;
