import { parseScenario } from "../device/scenario.ts";
import type { Store } from "./database.ts";

/** The row id of a scenario id, created when the lab has not met it yet; rejects with bad-request when it cannot be read. */
export function ensureScenario(store: Store, name: string): number {
  const known = findScenario(store, name);
  if (known !== null) return known;
  const scenario = parseScenario(name);
  const result = store
    .statement("INSERT INTO scenario (name, device, cores, precision, runtime) VALUES (?, ?, ?, ?, ?)")
    .run(name, scenario.device, scenario.cores, scenario.precision, scenario.runtime);
  return Number(result.lastInsertRowid);
}

/** The row id of a scenario id, or null when the lab has never met it. */
export function findScenario(store: Store, name: string): number | null {
  return store.statement<{ id: number }>("SELECT id FROM scenario WHERE name = ?").get(name)?.id ?? null;
}
