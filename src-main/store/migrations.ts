import type BetterSqlite3 from "better-sqlite3";

/** One step of the lab file's format: turns a file of `version − 1` into one of `version`. */
export interface Migration {
  version: number;
  migrate(database: BetterSqlite3.Database): void;
}

/** SQLite's `application_id` of a lab file: the letters `LLab`. */
export const applicationId = 0x4c4c6162;

/**
 * Every format there has been, oldest first; the last one is what this program writes. A released step is never edited:
 * a change is a new step at the end.
 */
export const migrations: readonly Migration[] = [
  { version: 1, migrate: (database) => database.exec(firstSchema) },
  { version: 2, migrate: (database) => database.exec(recipeSchema) },
  { version: 3, migrate: (database) => database.exec(phoneSchema) },
  { version: 4, migrate: (database) => database.exec(publishedSchema) },
];

/*
 * Ids of runs, cells and predictors are never used again (AUTOINCREMENT), so that a predictor's list of training cells
 * cannot come to mean other cells. What a cell measured is kept per attempt; `cell.kept_attempt` is the one that counts.
 * The small columns of an attempt are apart from its blobs, so that lists never page through samples.
 */
const firstSchema = `
CREATE TABLE model (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  family TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('zoo', 'sampled', 'file')),
  ops INTEGER NOT NULL,
  flops INTEGER NOT NULL,
  params INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  added_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
CREATE INDEX model_hash ON model (hash);

CREATE TABLE scenario (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  device TEXT NOT NULL,
  cores TEXT NOT NULL,
  precision TEXT NOT NULL,
  runtime TEXT NOT NULL
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  device TEXT NOT NULL,
  device_name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'done', 'failed')),
  thoroughness TEXT NOT NULL,
  seed INTEGER NOT NULL,
  repetitions INTEGER NOT NULL CHECK (repetitions > 0),
  models INTEGER NOT NULL,
  cells INTEGER NOT NULL,
  owner_pid INTEGER NOT NULL,
  owner_identity TEXT NOT NULL,
  created_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE TABLE run_scenario (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  scenario_id INTEGER NOT NULL REFERENCES scenario (id),
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE cell (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  model_id INTEGER NOT NULL REFERENCES model (id),
  scenario_id INTEGER NOT NULL REFERENCES scenario (id),
  repetition INTEGER NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'empty' CHECK (state IN ('empty', 'running', 'done', 'noisy', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  kept_attempt INTEGER,
  UNIQUE (run_id, position),
  UNIQUE (run_id, model_id, scenario_id, repetition),
  FOREIGN KEY (id, kept_attempt) REFERENCES attempt (cell_id, number) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX cell_run_state ON cell (run_id, state);
CREATE INDEX cell_running ON cell (run_id) WHERE state = 'running';
CREATE INDEX cell_model_scenario ON cell (model_id, scenario_id, state);
CREATE INDEX cell_scenario ON cell (scenario_id);

CREATE TABLE attempt (
  cell_id INTEGER NOT NULL REFERENCES cell (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('done', 'noisy', 'failed')),
  latency_ms REAL,
  spread_ms REAL,
  kept INTEGER NOT NULL,
  total INTEGER NOT NULL,
  op_rows INTEGER NOT NULL,
  error TEXT,
  started_at TEXT,
  committed_at TEXT NOT NULL,
  PRIMARY KEY (cell_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_data (
  id INTEGER PRIMARY KEY,
  cell_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  provenance TEXT,
  stderr TEXT NOT NULL,
  op_times BLOB NOT NULL,
  samples BLOB NOT NULL,
  UNIQUE (cell_id, number),
  FOREIGN KEY (cell_id, number) REFERENCES attempt (cell_id, number) ON DELETE CASCADE
) STRICT;

CREATE TABLE predictor (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scenario_id INTEGER NOT NULL REFERENCES scenario (id),
  learner TEXT NOT NULL,
  rows INTEGER NOT NULL,
  models INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  fit_ms REAL NOT NULL,
  created_at TEXT NOT NULL,
  cross_validated TEXT NOT NULL,
  baseline TEXT NOT NULL,
  split TEXT NOT NULL,
  classes TEXT NOT NULL,
  points TEXT NOT NULL,
  overhead_ms REAL NOT NULL,
  blob BLOB NOT NULL
) STRICT;
CREATE INDEX predictor_scenario ON predictor (scenario_id, id);

CREATE TABLE predictor_cell (
  predictor_id INTEGER NOT NULL REFERENCES predictor (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  cell_id INTEGER NOT NULL,
  attempt INTEGER,
  model TEXT NOT NULL,
  PRIMARY KEY (predictor_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_claim (
  device TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  pid INTEGER NOT NULL,
  identity TEXT NOT NULL,
  claimed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE canary_reference (
  device TEXT NOT NULL,
  core_set TEXT NOT NULL,
  canary_hash TEXT NOT NULL,
  ms REAL NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (device, core_set, canary_hash)
) STRICT, WITHOUT ROWID;
`;

/* Networks whose weights are seeds are kept by their graph alone; the hash is that of the graph's text. */
const recipeSchema = `
CREATE TABLE recipe (
  hash TEXT PRIMARY KEY,
  graph BLOB NOT NULL
) STRICT;
`;

/*
 * Phones: the lab's settings (JSON values by key), the benchmark programs it holds (files beside the lab's file), what phones
 * were last seen to be (JSON), and what was changed on them and has to be put back.
 */
const phoneSchema = `
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE benchmark_binary (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  abi TEXT,
  source TEXT NOT NULL,
  added_at TEXT NOT NULL,
  approved INTEGER NOT NULL,
  used_at TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE phone (
  device TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE phone_mark (
  device TEXT NOT NULL,
  mark TEXT NOT NULL,
  before TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (device, mark)
) STRICT, WITHOUT ROWID;
`;

/*
 * Published measurements: networks known by name only, which files were checked and how far each is imported, the run that
 * holds a published phone's cells, and the op rows of networks as published. The model table is built anew because a CHECK
 * cannot be changed. Removing a published run forgets what was imported, so that importing brings it back.
 */
const publishedSchema = `
CREATE TABLE model_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  hash TEXT NOT NULL,
  family TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('zoo', 'sampled', 'file', 'published')),
  ops INTEGER NOT NULL,
  flops INTEGER NOT NULL,
  params INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  added_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
INSERT INTO model_new SELECT id, name, hash, family, kind, ops, flops, params, bytes, added_at, removed_at FROM model;
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
  SELECT (SELECT rowid FROM sqlite_sequence WHERE name = 'model_new'), 'model_new', seq
  FROM sqlite_sequence WHERE name = 'model';
DROP TABLE model;
ALTER TABLE model_new RENAME TO model;
CREATE INDEX model_hash ON model (hash);

CREATE TABLE published_source (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  networks INTEGER NOT NULL,
  networks_done INTEGER NOT NULL,
  checked_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE published_run (
  device TEXT PRIMARY KEY,
  run_id INTEGER NOT NULL UNIQUE REFERENCES run (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TRIGGER published_run_removed AFTER DELETE ON published_run BEGIN
  DELETE FROM published_source;
END;

CREATE TABLE published_ops (
  model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  framework TEXT NOT NULL,
  target TEXT NOT NULL,
  rows BLOB NOT NULL,
  PRIMARY KEY (model_id, framework, target)
) STRICT, WITHOUT ROWID;
`;
