/**
 * Folding the journal into the tables, in one transaction.
 *
 * F1. The rows of the journal that are folded go with the same transaction, and the hub's row says up to where: done twice, it is done once.
 * F2. Only the session that has the hub folds.
 */
import { unwrap } from "idb";
import { type Folded, foldOver, isGone, isOpen, type Pending } from "./pending.ts";
import {
  type Database,
  type HubRow,
  type InstanceRow,
  type JournalRow,
  positions,
  type StoreName,
  startingWith,
} from "./schema.ts";
import { writeAll } from "./transaction.ts";

const FOLD_STORES: readonly StoreName[] = ["hubs", "journal", "instances", "history", "timers"];

/** What is to be folded. */
export interface FoldRequest {
  readonly name: string;
  readonly hub: number;
  /** What is pending. Only what is there up to `through` is folded. */
  readonly pending: Pending;
  readonly through: number;
  /** The claims among the pending positions. */
  readonly claims: ReadonlyMap<number, JournalRow>;
  /** Instances that the tables do not hold. */
  readonly absent: ReadonlySet<string>;
  /** Throws when the hub whose row this is may not be folded by this session. */
  check(row: HubRow | undefined): HubRow;
}

export async function foldJournal(database: Database, request: FoldRequest): Promise<void> {
  // The journal is durable already: nothing is lost when a fold is.
  const transaction = unwrap(database).transaction(FOLD_STORES, "readwrite", { durability: "relaxed" });
  const store = (name: StoreName): IDBObjectStore => transaction.objectStore(name);
  const { name, hub, pending, through, claims, absent } = request;
  await writeAll(transaction, (answered) => {
    answered(store("hubs").get(name), (found: HubRow | undefined) => {
      const row = request.check(found);
      if (row.folded >= through) return;
      store("hubs").put({ ...row, folded: through }, name);
      store("journal").delete(positions(hub, row.folded, through));
      for (const [position, claim] of claims) if (position <= through) store("journal").put(claim, [hub, position]);
      for (const instanceId of pending.instanceIds) {
        const changes = pending.of(instanceId, row.folded, through);
        if (changes.length === 0) continue;
        const write = (stored: InstanceRow | undefined): void =>
          writeFolded(store, hub, instanceId, foldOver(stored, changes));
        if (absent.has(instanceId)) write(undefined);
        else answered(store("instances").get([hub, instanceId]), write);
      }
    });
  });
}

function writeFolded(
  store: (name: StoreName) => IDBObjectStore,
  hub: number,
  instanceId: string,
  { state, isFresh, events, firstTurn, timers }: Folded,
): void {
  const { record, entity, ...rest } = state;
  if (isFresh) for (const name of ["history", "timers"] as const) store(name).delete(startingWith(hub, instanceId));
  if (isGone(state)) store("instances").delete([hub, instanceId]);
  else {
    const open = isOpen(state) && { open: hub };
    const row = { hub, ...rest, ...(record && { record }), ...(entity && { entity }), ...open };
    store("instances").put(row, [hub, instanceId]);
  }
  if (state.turnCount > firstTurn) store("history").put(events, [hub, instanceId, firstTurn]);
  for (const { timer, isKept } of timers.values()) {
    const key = [hub, instanceId, timer.kind, timer.timerId];
    if (isKept) store("timers").put({ ...timer, hub }, key);
    else store("timers").delete(key);
  }
}
