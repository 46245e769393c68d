/**
 * Transactions that write. They use the database's own requests: one promise for the whole transaction, none for a request.
 *
 * X1. A transaction ends in one of two ways: `done`, all of it durable; or a rejection, nothing of it written, or not known.
 * X2. What throws while requests are being issued, a value that cannot be cloned say, aborts all of it.
 */

/** What a transaction that is being written is given. */
export interface Writing {
  readonly transaction: IDBTransaction;
  /** Undoes everything. The transaction then rejects with `reason`. */
  abort(reason: unknown): void;
}

/** Issues requests, now and in their answers, and resolves when they are durable. `issue` must not await anything. */
export function writeAll(transaction: IDBTransaction, issue: (writing: Writing) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason: unknown;
    const abort = (why: unknown): void => {
      reason ??= why;
      try {
        transaction.abort();
      } catch {
        // It has ended by itself; its event tells how.
      }
    };
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => {
      reject(reason ?? transaction.error ?? new DOMException("The browser ended the transaction.", "AbortError"));
    };
    try {
      issue({ transaction, abort });
    } catch (error) {
      abort(error);
    }
  });
}
