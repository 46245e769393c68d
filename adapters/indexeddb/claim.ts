/**
 * Claiming a hub: its next epoch, in one transaction, so that of two tabs that open it together one comes first.
 *
 * C1. A hub that the marker or the browser says was here, and that is not, is never begun anew unasked.
 * C2. Nothing is awaited between the look at the hub's row and the write of it.
 */
import { unwrap } from "idb";
import { type DataLoss, type Mark, StorageLostError } from "./loss.ts";
import type { Database, HubRow, LossNote } from "./schema.ts";
import { writeAll } from "./transaction.ts";

export interface ClaimRequest {
  readonly databaseName: string;
  readonly name: string;
  readonly mark: Mark | undefined;
  /** True when a loss has been told, so that the hub may begin anew. */
  readonly acceptsLoss: boolean;
}

/**
 * Raises the hub's epoch, or makes the hub.
 * @throws StorageLostError when the hub was here before and is gone.
 */
export async function claimHub(database: Database, request: ClaimRequest): Promise<HubRow> {
  const { name, mark, acceptsLoss } = request;
  const transaction = unwrap(database).transaction(["hubs", "losses"], "readwrite", { durability: "strict" });
  let claimed: HubRow | undefined;
  await writeAll(transaction, ({ abort }) => {
    const hubs = transaction.objectStore("hubs");
    const row: IDBRequest<HubRow | undefined> = hubs.get(name);
    const note: IDBRequest<LossNote | undefined> = transaction.objectStore("losses").get(1);
    const count = hubs.count();
    count.onsuccess = () => {
      const loss = acceptsLoss ? undefined : lossOf(request, row.result, note.result);
      if (loss) return abort(new StorageLostError(loss));
      claimed = row.result
        ? { ...row.result, epoch: row.result.epoch + 1, commit: 0 }
        : { hub: count.result + 1, epoch: 1, commit: 0, creationId: newId(), createdAtMs: Date.now() };
      hubs.put(claimed, name);
    };
  });
  if (!claimed) throw new TypeError(`The hub '${name}' was not claimed${mark ? " again" : ""}.`);
  return claimed;
}

function lossOf(request: ClaimRequest, row: HubRow | undefined, note: LossNote | undefined): DataLoss | undefined {
  const { databaseName, name, mark } = request;
  const of = (reason: string): DataLoss => ({
    databaseName,
    hub: name,
    ...(mark && { createdAt: new Date(mark.createdAtMs) }),
    reason,
  });
  if (!row && note)
    return of(`the browser had to delete the database on ${new Date(note.atMs).toISOString()} (${note.reason}).`);
  if (!row && mark) return of("the database is empty; the browser, or a person who cleared site data, has deleted it.");
  if (row && mark && row.creationId !== mark.creationId)
    return of(`it was deleted, and another of this name has been begun on ${new Date(row.createdAtMs).toISOString()}.`);
  return undefined;
}

/** 128 random bits as text. `crypto.randomUUID` is missing on pages that are not served securely. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}
