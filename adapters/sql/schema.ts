/**
 * The tables that the SQL stores share, and how one version of them becomes the next.
 *
 * T1. A row written is the unit of cost (Durable Objects bill it like a thousand rows read). Tables have no rowid, because a
 *     rowid table with a text key writes two rows for one; an index stands only where a scan would grow with the hub.
 * T2. A turn is one row of `holdfast_turns`, and nothing else is rewritten for it: when an instance was last touched and
 *     how long its history is follow from its last row there (`atMs`, and the running `eventCount`). Its key is an integer (see
 *     `turn-keys.ts`), because a long key would be most of what is written, and random ids would scatter the rows.
 * T3. Every key begins with the number of the hub, so that hubs in one database never meet. Number 1 takes no space in a row.
 * T4. `NULL` in `record`, `entity`, `events` or `message` means: the text is too long for one row and lies in `holdfast_chunks`.
 * T5. Timers are ordered by when they are due. To drop the timers of one instance without an index (a row more per timer),
 *     the row of the turn written with them names them in `timers`; those written without a turn are `isLoose` and indexed.
 * T6. `instanceId` and `name` hold keys (see `keyOf`), the JSON texts hold the originals.
 */
import { StoreError } from "../../core/errors.ts";
import type { SqlDriver } from "./driver.ts";

/** What brings a database from one version to the next; the first makes it from nothing. Never changed once released. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE holdfast_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE holdfast_hubs (name TEXT PRIMARY KEY, hub INTEGER NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE holdfast_instances (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, status TEXT NOT NULL, name TEXT NOT NULL,
      createdAtMs INTEGER NOT NULL, completedAtMs INTEGER, isBusy INTEGER NOT NULL, updatedAtMs INTEGER NOT NULL,
      record TEXT, PRIMARY KEY (hub, instanceId)) WITHOUT ROWID`,
    `CREATE INDEX holdfast_created ON holdfast_instances (hub, createdAtMs, instanceId)`,
    `CREATE INDEX holdfast_completed ON holdfast_instances (hub, completedAtMs, instanceId) WHERE completedAtMs IS NOT NULL`,
    `CREATE INDEX holdfast_busy ON holdfast_instances (hub, instanceId) WHERE isBusy = 1`,
    `CREATE TABLE holdfast_entities (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, lastModifiedAtMs INTEGER NOT NULL, hasState INTEGER NOT NULL,
      updatedAtMs INTEGER NOT NULL, entity TEXT, PRIMARY KEY (hub, instanceId)) WITHOUT ROWID`,
    `CREATE TABLE holdfast_history (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, turn INTEGER NOT NULL, atMs INTEGER NOT NULL,
      eventCount INTEGER NOT NULL, timers TEXT, events TEXT, PRIMARY KEY (hub, instanceId, turn)) WITHOUT ROWID`,
    `CREATE TABLE holdfast_timers (
      hub INTEGER NOT NULL, dueAtMs INTEGER NOT NULL, instanceId TEXT NOT NULL, kind TEXT NOT NULL,
      timerId INTEGER NOT NULL, isLoose INTEGER NOT NULL,
      PRIMARY KEY (hub, dueAtMs, instanceId, kind, timerId)) WITHOUT ROWID`,
    `CREATE INDEX holdfast_loose_timers ON holdfast_timers (hub, instanceId) WHERE isLoose = 1`,
    `CREATE TABLE holdfast_inbox (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, sequence INTEGER NOT NULL, atMs INTEGER NOT NULL, message TEXT,
      PRIMARY KEY (hub, instanceId, sequence)) WITHOUT ROWID`,
    `CREATE TABLE holdfast_chunks (
      hub INTEGER NOT NULL, instanceId TEXT NOT NULL, kind TEXT NOT NULL, number INTEGER NOT NULL, chunk INTEGER NOT NULL,
      text TEXT NOT NULL, PRIMARY KEY (hub, instanceId, kind, number, chunk)) WITHOUT ROWID`,
  ],
  // Turns get integer keys. The dates in their events may be numbers from here on.
  [
    `ALTER TABLE holdfast_hubs ADD COLUMN keysEnd INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE holdfast_instances ADD COLUMN turnsKey INTEGER NOT NULL DEFAULT 0`,
    `UPDATE holdfast_instances SET turnsKey = numbered.n FROM (
      SELECT hub, instanceId, row_number() OVER (ORDER BY hub, createdAtMs, instanceId) AS n FROM holdfast_instances
    ) AS numbered WHERE holdfast_instances.hub = numbered.hub AND holdfast_instances.instanceId = numbered.instanceId`,
    `UPDATE holdfast_hubs SET keysEnd = (SELECT coalesce(max(turnsKey), 0) FROM holdfast_instances)`,
    `CREATE TABLE holdfast_turns (
      id INTEGER PRIMARY KEY, atMs INTEGER NOT NULL, eventCount INTEGER NOT NULL, timers TEXT, events TEXT)`,
    `INSERT INTO holdfast_turns SELECT i.turnsKey * 2097152 + h.turn, h.atMs, h.eventCount, h.timers, h.events
      FROM holdfast_instances AS i JOIN holdfast_history AS h ON h.hub = i.hub AND h.instanceId = i.instanceId`,
    `DROP TABLE holdfast_history`,
  ],
];

/** Version of the tables that this code reads and writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/**
 * Version of the tables in the database; 0 when there are none. Writes nothing.
 * @throws StoreError (code `storeTooNew`) when a newer Holdfast has written them.
 */
export function schemaVersion(driver: SqlDriver): number {
  const tables = driver.all(`SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'holdfast_meta'`);
  if (tables.length === 0) return 0;
  const [row] = driver.all<{ value: number }>(`SELECT value FROM holdfast_meta WHERE key = 'schemaVersion'`);
  const version = row?.value ?? 0;
  if (version <= SCHEMA_VERSION) return version;
  throw new StoreError(
    "storeTooNew",
    `The database holds version ${version} of Holdfast's tables; this release knows versions up to ${SCHEMA_VERSION}. Nothing was changed. Open it with the release that wrote it, or a newer one.`,
  );
}

/** Brings the tables up to this code's version. Call it inside a transaction. */
export function migrate(driver: SqlDriver): void {
  const version = schemaVersion(driver);
  if (version === SCHEMA_VERSION) return;
  for (const statements of MIGRATIONS.slice(version)) for (const sql of statements) driver.run(sql);
  driver.run(`INSERT OR REPLACE INTO holdfast_meta (key, value) VALUES ('schemaVersion', ?1)`, SCHEMA_VERSION);
}
