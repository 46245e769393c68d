/**
 * Writing turns, one row each.
 *
 * R1. The row of a turn says how many events there are up to its end. What was counted last is remembered with the instance's row, so that
 *     nothing is read for it.
 * R2. A commit that is one turn of a known instance, as each step of sequential work is, is one statement: it finds out by itself whether the
 *     hub is still the session's, and is a transaction of its own.
 */
import { compactText, type HistoryEvent } from "../../core/history/events.ts";
import type { InstanceChange, StoredTimer } from "../../core/store/contract.ts";
import type { SqlDriver } from "./driver.ts";
import { keyOf } from "./key-text.ts";
import type { KnownRow, KnownRows } from "./known-rows.ts";
import { chunksOf, putText } from "./long-text.ts";
import { TURNS_MAX, turnId } from "./turn-keys.ts";
import type { Target } from "./write.ts";

/** What the row of a turn keeps of a timer: the rest of its key. */
export type TimerNote = [dueAtMs: number, kind: string, timerId: number];

const INSERT_TURN = `INSERT INTO holdfast_turns (id, atMs, eventCount, timers, events) VALUES (?1, ?2, ?3, ?4, ?5)`;
const APPEND_TURN = `INSERT INTO holdfast_turns (id, atMs, eventCount, events) SELECT ?1, ?2, ?3, ?4
  WHERE EXISTS (SELECT 1 FROM holdfast_hubs WHERE name = ?5 AND epoch = ?6)`;

/** Writes the row of a turn; `row` is that of its instance. Inside a transaction. */
export function writeTurn(
  { driver, hub, id, atMs }: Target,
  row: KnownRow,
  turn: number,
  events: readonly HistoryEvent[],
  timersAdded: readonly StoredTimer[],
): void {
  const eventCount = eventsBefore(driver, row, turn) + events.length;
  driver.run(
    INSERT_TURN,
    turnId(row.turnsKey, turn),
    atMs,
    eventCount,
    timersAdded.length === 0 ? null : JSON.stringify(timersAdded.map(noteOf)),
    putText(driver, { hub, id, kind: "turn", number: turn }, compactText(events)),
  );
  row.turnCount = turn + 1;
  row.eventCount = eventCount;
}

/** Fields of a change that is one or several turns and nothing else. */
const TURN_FIELDS: ReadonlySet<string> = new Set(["instanceId", "atMs", "turns", "firstTurn"]);

/**
 * Commits a change that is one turn. True when it is written; false when the hub has another epoch and nothing was; `undefined` when the change
 * is more than that, or takes more than a row.
 */
export function appendTurn(
  driver: SqlDriver,
  rows: KnownRows,
  change: InstanceChange,
  session: { readonly name: string; readonly epoch: number },
): boolean | undefined {
  const { turns = [], firstTurn = 0 } = change;
  const [events] = turns;
  if (!events || turns.length > 1) return undefined;
  for (const field in change) if (!TURN_FIELDS.has(field)) return undefined;
  const row = rows.get(keyOf(change.instanceId));
  if (row?.eventCount === undefined || row.turnCount !== firstTurn) return undefined;
  const text = compactText(events);
  if (chunksOf(text)) return undefined;
  const eventCount = row.eventCount + events.length;
  const { name, epoch } = session;
  if (driver.run(APPEND_TURN, turnId(row.turnsKey, firstTurn), change.atMs, eventCount, text, name, epoch) === 0)
    return false;
  row.turnCount = firstTurn + 1;
  row.eventCount = eventCount;
  return true;
}

/** Drops all turns of an instance; gives what is noted of their timers. Inside a transaction. */
export function dropTurns(driver: SqlDriver, row: KnownRow): TimerNote[] {
  const [first, last] = [turnId(row.turnsKey, 0), turnId(row.turnsKey, TURNS_MAX - 1)];
  const noted = driver.all<{ timers: string }>(
    `SELECT timers FROM holdfast_turns WHERE id BETWEEN ?1 AND ?2 AND timers IS NOT NULL`,
    first,
    last,
  );
  driver.run(`DELETE FROM holdfast_turns WHERE id BETWEEN ?1 AND ?2`, first, last);
  row.turnCount = 0;
  row.eventCount = 0;
  return noted.flatMap(({ timers }) => JSON.parse(timers) as TimerNote[]);
}

function eventsBefore(driver: SqlDriver, row: KnownRow, turn: number): number {
  if (turn === 0) return 0;
  if (row.turnCount === turn && row.eventCount !== undefined) return row.eventCount;
  const [last] = driver.all<{ eventCount: number }>(
    `SELECT eventCount FROM holdfast_turns WHERE id = ?1`,
    turnId(row.turnsKey, turn - 1),
  );
  return last?.eventCount ?? 0;
}

function noteOf({ dueAtMs, kind, timerId }: StoredTimer): TimerNote {
  return [dueAtMs, kind, timerId];
}
