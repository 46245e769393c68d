/**
 * Claiming a hub: its next epoch and the next position of its journal, in one transaction, so that of two tabs that open it together
 * one comes first.
 *
 * C1. A hub that the marker or the browser says was here, and that is not, is never begun anew unasked.
 */
import { type IDBPObjectStore, unwrap } from "idb";
import { type DataLoss, StorageLostError } from "../../core/errors.ts";
import { INDEXED_DB_BOUNDS } from "./bounds.ts";
import type { Mark } from "./loss.ts";
import { Pending } from "./pending.ts";
import {
  type Database,
  type HubRow,
  type JournalRow,
  type LossNote,
  positions,
  type Schema,
  type StoreName,
  startingWith,
} from "./schema.ts";
import { StoredIds } from "./stored-ids.ts";
import { writeInSteps } from "./transaction.ts";

const STORES = ["hubs", "losses", "journal", "instances"] as const satisfies readonly StoreName[];
type ClaimStores = typeof STORES;

/** Which hub to claim. */
export interface ClaimRequest {
  readonly databaseName: string;
  readonly name: string;
  readonly mark: Mark | undefined;
  /** True when a loss has been told, so that the hub may begin anew. */
  readonly acceptsLoss: boolean;
}

/** A hub as a session begins with it. */
export interface Claim {
  readonly row: HubRow;
  readonly storedIds: StoredIds;
  /** What the journal holds and the tables do not. */
  readonly pending: Pending;
  /** The position of the claim: the last that is taken. */
  readonly position: number;
  /** The claims among the pending positions, this one too. */
  readonly claims: ReadonlyMap<number, JournalRow>;
  /** When it was made, in ms. */
  readonly atMs: number;
}

/**
 * Raises the hub's epoch, or makes the hub.
 * @throws StorageLostError when the hub was here before and is gone.
 */
export function claimHub(database: Database, request: ClaimRequest): Promise<Claim> {
  const { name, acceptsLoss } = request;
  const transaction = database.transaction(STORES, "readwrite", {
    durability: "strict",
  });
  transaction.done.catch(() => {});
  const hubs = transaction.objectStore("hubs");
  const journal = transaction.objectStore("journal");
  return writeInSteps(unwrap(transaction), async () => {
    const note = await transaction.objectStore("losses").get(1);
    const found = await hubs.get(name);
    const loss = acceptsLoss ? undefined : lossOf(request, found, note);
    if (loss) throw new StorageLostError(loss);
    const row = found ? { ...found, epoch: found.epoch + 1 } : newHub((await hubs.count()) + 1);
    const range = positions(row.hub, row.folded, Number.POSITIVE_INFINITY);
    const taken = (await journal.getAllKeys(range)).map(([, position]) => position);
    const rows = await journal.getAll(range);
    const stored = await transaction
      .objectStore("instances")
      .getAllKeys(startingWith(row.hub), INDEXED_DB_BOUNDS.storedIdsMax + 1);
    const storedIds = new StoredIds(stored.map(([, instanceId]) => instanceId));
    const own: JournalRow = { epoch: row.epoch, changes: [], atMs: Date.now() };
    const claim = { storedIds, atMs: Date.now(), ...claimAfter(row, taken, rows, own) };
    await hubs.put(claim.row, name);
    await journal.add(own, [row.hub, claim.position]);
    await dropOldClaims(journal, row);
    return claim;
  });
}

/** What the journal holds beyond the tables, and the claim that comes after it. Where that is nothing but claims, the tables hold all of it. */
function claimAfter(
  row: HubRow,
  taken: readonly number[],
  rows: readonly JournalRow[],
  own: JournalRow,
): Pick<Claim, "row" | "pending" | "position" | "claims"> {
  const pending = new Pending();
  const claims = new Map<number, JournalRow>();
  rows.forEach((entry, index) => {
    const position = taken[index] ?? 0;
    if (entry.changes.length > 0) pending.add({ position, changes: entry.changes });
    else claims.set(position, entry);
  });
  const last = taken.at(-1) ?? row.folded;
  const position = last + 1;
  if (pending.isEmpty) return { row: { ...row, folded: last }, pending, position, claims: new Map([[position, own]]) };
  claims.set(position, own);
  return { row, pending, position, claims };
}

/** Deletes claims that no session needs any more to learn that it is fenced. What is left of the folded journal is claims. */
async function dropOldClaims(
  journal: IDBPObjectStore<Schema, ClaimStores, "journal", "readwrite">,
  { hub, folded }: HubRow,
): Promise<void> {
  const range = positions(hub, -1, folded);
  const [keys, claims] = [await journal.getAllKeys(range), await journal.getAll(range)];
  for (const [index, key] of keys.entries()) {
    const { atMs } = claims[index] as JournalRow;
    if (atMs !== undefined && atMs < Date.now() - INDEXED_DB_BOUNDS.claimKeptMs) await journal.delete(key);
  }
}

function newHub(hub: number): HubRow {
  return { hub, epoch: 1, folded: 0, creationId: newId(), createdAtMs: Date.now() };
}

/** 128 random bits as text. `crypto.randomUUID` is missing on pages that are not served securely. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}

function lossOf(request: ClaimRequest, row: HubRow | undefined, note: LossNote | undefined): DataLoss | undefined {
  const { databaseName, name, mark } = request;
  const because = (reason: string): DataLoss => ({
    databaseName,
    hub: name,
    ...(mark && { createdAtMs: mark.createdAtMs }),
    reason,
  });
  if (!row && note)
    return because(`the browser had to delete the database by ${new Date(note.atMs).toISOString()} (${note.reason}).`);
  if (!row && mark)
    return because("its database is empty; the browser deleted it, or a person who cleared the data of this site.");
  if (row && mark && row.creationId !== mark.creationId)
    return because(`it was deleted, and another of its name begun on ${new Date(row.createdAtMs).toISOString()}.`);
  return undefined;
}
