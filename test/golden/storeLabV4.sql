-- A lab of format 4 as the program of that day wrote it. Frozen: later programs must open it, so it is never edited.
PRAGMA application_id = 1280074082;
PRAGMA user_version = 4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO attempt VALUES(2,1,'done',8.5,0.25,1,2,2,NULL,'2026-01-02T03:04:05.678Z','2026-01-02T03:04:06.000Z');
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
INSERT INTO attempt_data VALUES(1,2,1,'{"modelHash":"m","runtimeHash":"r","runtimeVersion":"2.9.0","flags":["--num_threads=1"],"coreMask":"0x1","frequencyMhzBefore":null,"frequencyMhzAfter":2400,"loadBefore":0.25,"loadAfter":0.5,"temperatureCBefore":null,"temperatureCAfter":null,"startedAt":"2026-01-02T03:04:05.678Z","finishedAt":"2026-01-02T03:04:05.678Z","canaryReferenceMs":0.4,"peakMemoryBytes":1000000,"initMs":1.5,"firstInferenceMs":9}','INFO: frozen',X'010002000000150000005b22434f4e565f3244222c22534f46544d4158225d0000000000001f409a9999999999b93f000000000100000000000100',X'017801636260607060606088564a2cf12d56d251ca0511c989798945954ea969f945a960518880635a496a11985f9e9859929a026666a7169428c53280c1037b08ad0c3292818141d161d64c20903484d0336f42e57fd443e47fd49f3d03026fa0e207d0e43f40f90c0c0027b12c38');
CREATE TABLE canary_reference (
  device TEXT NOT NULL,
  core_set TEXT NOT NULL,
  canary_hash TEXT NOT NULL,
  ms REAL NOT NULL,
  set_at TEXT NOT NULL,
  PRIMARY KEY (device, core_set, canary_hash)
) STRICT, WITHOUT ROWID;
INSERT INTO canary_reference VALUES('host','1core','canary',0.4000000000000000222,'2026-01-02T03:04:06.000Z');
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
INSERT INTO cell VALUES(1,1,2,1,0,0,'empty',0,NULL);
INSERT INTO cell VALUES(2,1,1,1,0,1,'done',1,1);
CREATE TABLE device_claim (
  device TEXT PRIMARY KEY,
  token TEXT NOT NULL,
  pid INTEGER NOT NULL,
  identity TEXT NOT NULL,
  claimed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
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
INSERT INTO predictor VALUES(1,1,'lasso',2,1,1,12.5,'2026-01-02T03:04:06.000Z','{"models":1,"mape":5,"medianApe":4,"within5":60,"within10":90,"spearman":null}','{"models":1,"mape":5,"medianApe":4,"within5":60,"within10":90,"spearman":null}','{"folds":[["alpha"]]}','[]','[]',0.25,X'010203');
CREATE TABLE predictor_cell (
  predictor_id INTEGER NOT NULL REFERENCES predictor (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  cell_id INTEGER NOT NULL,
  attempt INTEGER,
  model TEXT NOT NULL,
  PRIMARY KEY (predictor_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO predictor_cell VALUES(1,0,2,1,'alpha');
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
INSERT INTO run VALUES(1,'host','a computer','paused','standard',1,1,2,2,1,'boot 0 start 0','2026-01-02T03:04:06.000Z',NULL);
CREATE TABLE run_scenario (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  scenario_id INTEGER NOT NULL REFERENCES scenario (id),
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO run_scenario VALUES(1,0,1);
CREATE TABLE scenario (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  device TEXT NOT NULL,
  cores TEXT NOT NULL,
  precision TEXT NOT NULL,
  runtime TEXT NOT NULL
) STRICT;
INSERT INTO scenario VALUES(1,'host/1core/float32/tflite','host','1core','float32','tflite');
CREATE TABLE recipe (
  hash TEXT PRIMARY KEY,
  graph BLOB NOT NULL
) STRICT;
INSERT INTO recipe VALUES('recipe',X'7b7d');
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO setting VALUES('adbServers','["lab-2:5037"]');
INSERT INTO setting VALUES('startTemperatureC','35.5');
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
INSERT INTO benchmark_binary VALUES('b1','mine',1000,'arm64-v8a','/home/a/mine','2026-01-02T03:04:05.678Z',1,'2026-01-02T03:04:06.000Z');
INSERT INTO benchmark_binary VALUES('b2','published',2000,'arm64-v8a','https://example.org/published','2026-01-02T03:04:06.678Z',0,NULL);
CREATE TABLE phone (
  device TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO phone VALUES('SERIAL','{"id":"SERIAL","name":"A phone","kind":"adb","state":"ready","problem":null,"soc":"an SoC","gpu":null,"abi":"arm64-v8a","os":"Android 14","memoryBytes":1,"clusters":[],"coreSets":[],"runtimes":["tflite"],"precisions":["float32"],"runtimeVersion":null,"load":null,"temperatureC":30,"frequencyMhz":null,"noiseFloor":{},"speed":[],"phone":{"serial":"SERIAL","server":"127.0.0.1:5037"}}','2026-01-02T03:04:05.678Z');
CREATE TABLE phone_mark (
  device TEXT NOT NULL,
  mark TEXT NOT NULL,
  before TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (device, mark)
) STRICT, WITHOUT ROWID;
INSERT INTO phone_mark VALUES('SERIAL','fixed-performance','false','2026-01-02T03:04:05.678Z');
CREATE TABLE IF NOT EXISTS "model" (
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
INSERT INTO model VALUES(1,'alpha','8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8','frozen','file',2,2000000000,1000,5,'2026-01-02T03:04:06.000Z',NULL);
INSERT INTO model VALUES(2,'beta','f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753','frozen','file',2,2000000000,1000,4,'2026-01-02T03:04:06.000Z',NULL);
CREATE TABLE published_source (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  networks INTEGER NOT NULL,
  networks_done INTEGER NOT NULL,
  checked_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO published_source VALUES('s1','tflite_cnn_real_e2e.csv',1000,80,80,12,'2026-01-02T03:04:05.678Z');
CREATE TABLE published_run (
  device TEXT PRIMARY KEY,
  run_id INTEGER NOT NULL UNIQUE REFERENCES run (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE published_ops (
  model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  framework TEXT NOT NULL,
  target TEXT NOT NULL,
  rows BLOB NOT NULL,
  PRIMARY KEY (model_id, framework, target)
) STRICT, WITHOUT ROWID;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('run',1);
INSERT INTO sqlite_sequence VALUES('cell',2);
INSERT INTO sqlite_sequence VALUES('predictor',1);
INSERT INTO sqlite_sequence VALUES('model',2);
CREATE INDEX cell_run_state ON cell (run_id, state);
CREATE INDEX cell_running ON cell (run_id) WHERE state = 'running';
CREATE INDEX cell_model_scenario ON cell (model_id, scenario_id, state);
CREATE INDEX cell_scenario ON cell (scenario_id);
CREATE INDEX predictor_scenario ON predictor (scenario_id, id);
CREATE INDEX model_hash ON model (hash);
CREATE TRIGGER published_run_removed AFTER DELETE ON published_run BEGIN
  DELETE FROM published_source;
END;
COMMIT;
