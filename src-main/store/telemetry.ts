import type { TelemetryPoint } from "../lab/contract.ts";
import { parseProvenance } from "./attempts.ts";
import { readConsistently, type Store } from "./database.ts";

/** Readings of frequency and temperature that every attempt of a run took before and after, oldest first. */
export function listTelemetry(store: Store, run: number): TelemetryPoint[] {
  const points = readConsistently(store, () => readPoints(store, run));
  return points
    .filter(({ frequencyMhz, temperatureC }) => frequencyMhz !== null || temperatureC !== null)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function readPoints(store: Store, run: number): TelemetryPoint[] {
  const rows = store
    .statement<{ cell: number; provenance: string }>(
      `SELECT d.cell_id AS cell, d.provenance FROM attempt_data d JOIN cell c ON c.id = d.cell_id
       WHERE c.run_id = ? AND d.provenance IS NOT NULL ORDER BY d.cell_id, d.number`,
    )
    .all(run);
  return rows.flatMap(({ cell, provenance: text }) => {
    const provenance = parseProvenance(text);
    if (!provenance) return [];
    return [
      {
        at: provenance.startedAt,
        cell,
        frequencyMhz: provenance.frequencyMhzBefore,
        temperatureC: provenance.temperatureCBefore,
      },
      {
        at: provenance.finishedAt,
        cell,
        frequencyMhz: provenance.frequencyMhzAfter,
        temperatureC: provenance.temperatureCAfter,
      },
    ];
  });
}
