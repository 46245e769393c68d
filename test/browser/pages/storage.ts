/** A page with a hub whose storage is taken away, filled up or given back under it, as ../storage.test.ts drives it. */
import { type DataLoss, defineActivity, defineOrchestrator, TaskHub } from "holdfast";
import { IndexedDbStore } from "holdfast/indexeddb";

/** What a call came to: its answer, or the error it was refused with. */
export type Outcome<T> = { readonly answer: T } | { readonly code: unknown; readonly message: string };

const DATABASE = "storage";
const NOISE_BYTES = 24_576;

const runs: { readonly instanceId: string; finish(result: string): void }[] = [];

/** Ends when the test says so. */
const slow = defineActivity(
  "slow",
  ({ instanceId }) => new Promise<string>((finish) => void runs.push({ instanceId, finish })),
);

/** Keeps what it is given until its activity has ended. */
const keep = defineOrchestrator("keep", async (ctx, text: string) => `${await ctx.callActivity(slow)} ${text.length}`);

async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { answer: await call };
  } catch (error) {
    return { code: (error as { code?: unknown }).code, message: String(error) };
  }
}

function noise(charCount: number): string {
  let text = "";
  while (text.length < charCount)
    text += btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(NOISE_BYTES))));
  return text.slice(0, charCount);
}

/** What a test can ask of the page. */
class StoragePage {
  readonly losses: DataLoss[] = [];
  #hub: TaskHub | undefined;

  /** Opens the hub: also one whose data is gone, when it may begin anew; without a marker when it is told so. */
  open({ beginsAnew = false, isMarked = true } = {}): Promise<Outcome<string>> {
    const onDataLoss = (loss: DataLoss): void => void this.losses.push(loss);
    const options = { ...(beginsAnew && { onDataLoss }), ...(!isMarked && { marker: null }) };
    const store = new IndexedDbStore({ databaseName: DATABASE, ...options });
    return outcomeOf(
      TaskHub.open({ store, functions: [keep, slow] }).then((hub) => {
        this.#hub = hub;
        return hub.name;
      }),
    );
  }

  /** Starts an instance with a text that no database can make shorter. */
  start(instanceId: string, charCount: number): Promise<Outcome<string>> {
    return outcomeOf(this.#running.scheduleNewOrchestration(keep, noise(charCount), { instanceId }));
  }

  /** The status of an instance; `null` when there is none. */
  status(instanceId: string): Promise<Outcome<string | null>> {
    const state = this.#running.getOrchestrationState(instanceId);
    return outcomeOf(state.then((found) => found?.runtimeStatus ?? null));
  }

  /** The output of an instance, once it has ended. */
  wait(instanceId: string): Promise<Outcome<unknown>> {
    return outcomeOf(this.#running.waitForOrchestrationCompletion(instanceId).then(({ output }) => output));
  }

  /** Whose activity was executed, once for each time. */
  runs(): string[] {
    return runs.map(({ instanceId }) => instanceId);
  }

  /** Ends all executions of an instance: with a text, or with noise of that many characters. */
  finish(instanceId: string, result: string | number): void {
    for (const run of runs)
      if (run.instanceId === instanceId) run.finish(typeof result === "number" ? noise(result) : result);
  }

  /** Deletes the hub's database, as somebody does who knows nothing of the hub. */
  deleteDatabase(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(DATABASE);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    });
  }

  get #running(): TaskHub {
    if (!this.#hub) throw new Error("The hub is not open.");
    return this.#hub;
  }
}

declare global {
  var storagePage: StoragePage;
}
globalThis.storagePage = new StoragePage();
