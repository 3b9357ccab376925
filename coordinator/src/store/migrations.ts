import { FederationError } from '#protocol/errors.js'
import type { Sqlite } from './sqlite.js'

/** Step n takes a database of version n to n + 1. Steps are never edited once released. */
const STEPS: readonly string[] = [
  `
  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    body TEXT NOT NULL,
    head TEXT NOT NULL
  ) STRICT;
  CREATE TABLE accepted (
    run_id TEXT NOT NULL REFERENCES runs,
    round INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    update_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run_id, round, attempt, slot)
  ) STRICT;
  CREATE TABLE roster (
    run_id TEXT NOT NULL REFERENCES runs,
    slot INTEGER NOT NULL,
    node_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (run_id, slot),
    UNIQUE (run_id, node_id)
  ) STRICT;
  CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
  ) STRICT;
  CREATE TABLE nodes (
    node_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    enrolled_at TEXT NOT NULL,
    revoked_at TEXT
  ) STRICT;
  CREATE TABLE codes (
    code_hash TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT
  ) STRICT;
  `,
  `
  CREATE TABLE nodes_2 (
    node_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    enrolled_at TEXT NOT NULL,
    revoked_at TEXT
  ) STRICT;
  INSERT INTO nodes_2 (node_id, name, public_key, enrolled_at, revoked_at)
    SELECT node_id, name, 'sha256:' || secret_hash, enrolled_at, revoked_at FROM nodes ORDER BY rowid;
  DROP TABLE nodes;
  ALTER TABLE nodes_2 RENAME TO nodes;
  ALTER TABLE codes ADD COLUMN subject TEXT;
  -- Keys in the order of canonical JSON: a head is compared by its text.
  UPDATE runs SET head = json_object(
    'attempt', head->>'attempt', 'auditHead', NULL, 'epoch', head->>'epoch',
    'failures', 0, 'modelHash', head->>'modelHash', 'openingHash', head->>'openingHash',
    'personalHash', head->>'personalHash', 'reason', head->>'reason', 'recordHash', head->>'recordHash',
    'round', head->>'round', 'state', head->>'state', 'stateHash', head->>'stateHash');
  CREATE TABLE users (name TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
  CREATE TABLE denied_tokens (jti TEXT PRIMARY KEY, until TEXT NOT NULL) STRICT;
  CREATE TABLE audit (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE identity (id TEXT NOT NULL, records TEXT NOT NULL CHECK (records IN ('sqlite', 'mongodb'))) STRICT;
  INSERT INTO identity (id, records) VALUES (lower(hex(randomblob(16))), 'sqlite');
  `,
]
export const SCHEMA_VERSION = STEPS.length

/** Brings a database to this program's version, or refuses one that a newer program wrote. */
export function migrate(database: Sqlite, path: string): void {
  database.transaction(() => {
    database.exec('CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT')
    const version = Number(database.get('SELECT version FROM schema')?.['version'] ?? 0)
    if (version > SCHEMA_VERSION) {
      throw new FederationError(
        'store/newer-version',
        `${path} has version ${version}, this program knows versions up to ${SCHEMA_VERSION}`,
      )
    }
    for (const step of STEPS.slice(version)) database.exec(step)
    database.exec('DELETE FROM schema')
    database.run('INSERT INTO schema (version) VALUES (?)', SCHEMA_VERSION)
  })
}
