import { readConsistently, type Store } from "./database.ts";

/** A published phone with the scenarios that it has measurements on. */
export interface PublishedDevice {
  id: string;
  name: string;
  scenarios: { cores: string; precision: string; runtime: string }[];
}

/** Every phone of published measurements, by id. */
export function listPublishedDevices(store: Store): PublishedDevice[] {
  const rows = readConsistently(store, () =>
    store
      .statement<{ id: string; name: string; cores: string; precision: string; runtime: string }>(
        `SELECT p.device AS id, r.device_name AS name, s.cores, s.precision, s.runtime FROM published_run p
         JOIN run r ON r.id = p.run_id JOIN run_scenario rs ON rs.run_id = p.run_id
         JOIN scenario s ON s.id = rs.scenario_id ORDER BY p.device, rs.position`,
      )
      .all(),
  );
  return [...Map.groupBy(rows, ({ id }) => id)].map(([id, scenarios]) => ({
    id,
    name: scenarios[0]!.name,
    scenarios: scenarios.map(({ cores, precision, runtime }) => ({ cores, precision, runtime })),
  }));
}

/** How much there is of published measurements. */
export interface PublishedCounts {
  scenarios: number;
  networks: number;
  measurements: number;
  opTimes: number;
  withGraph: number;
}

/** Counts what is published in the lab. */
export function countPublished(store: Store): PublishedCounts & { withoutGraph: string[] } {
  return readConsistently(store, () => {
    const counts = store
      .statement<PublishedCounts>(
        `SELECT count(DISTINCT c.scenario_id) AS scenarios, count(DISTINCT c.model_id) AS networks,
           count(a.latency_ms) AS measurements, coalesce(sum(a.op_rows), 0) AS opTimes,
           count(DISTINCT CASE WHEN m.kind <> 'published' THEN m.id END) AS withGraph
         FROM published_run p JOIN cell c ON c.run_id = p.run_id JOIN model m ON m.id = c.model_id
         JOIN attempt a ON a.cell_id = c.id AND a.number = c.kept_attempt`,
      )
      .get()!;
    const names = store
      .statement<{ name: string }>(
        `SELECT m.name FROM model m WHERE m.kind = 'published'
         AND EXISTS (SELECT 1 FROM cell c JOIN published_run p ON p.run_id = c.run_id WHERE c.model_id = m.id)
         ORDER BY m.id`,
      )
      .all();
    return { ...counts, withoutGraph: names.map(({ name }) => name) };
  });
}
