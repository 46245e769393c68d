/**
 * Transactions that write. They use the database's own requests: one promise for the whole transaction, none for a request.
 *
 * X1. A transaction ends in one of two ways: all of it durable; or a rejection, nothing of it written, or not known.
 * X2. What throws while requests are being issued or answered, a value that cannot be cloned say, undoes all of it.
 */

/** Calls `next` with the answer of a request. What it throws ends the transaction. */
export type Answered = <T>(request: IDBRequest<T>, next: (answer: T) => void) => void;

/** Issues requests, now and in their answers, and resolves when they are durable. `issue` must not await anything. */
export function writeAll(transaction: IDBTransaction, issue: (answered: Answered) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason: unknown;
    const orAbort = (run: () => void): void => {
      try {
        run();
      } catch (error) {
        reason ??= error;
        abort(transaction);
      }
    };
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => {
      reject(reason ?? transaction.error ?? new DOMException("The browser ended the transaction.", "AbortError"));
    };
    orAbort(() =>
      issue((request, next) => {
        request.onsuccess = () => orAbort(() => next(request.result));
      }),
    );
  });
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself; its event tells how.
  }
}

/** Like `writeAll`, for few requests that depend on each other: `work` awaits requests of its transaction and nothing else. */
export async function writeInSteps<T>(transaction: IDBTransaction, work: () => Promise<T>): Promise<T> {
  const ended = writeAll(transaction, () => {});
  ended.catch(() => {});
  try {
    const result = await work();
    await ended;
    return result;
  } catch (error) {
    abort(transaction);
    throw error;
  }
}
