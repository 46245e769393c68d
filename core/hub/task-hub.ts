/** A task hub in this process: the engine behind the client interface, from opening to closing. */
import type { Engine } from "./engine.ts";
import { HubClient } from "./hub-client.ts";
import { openEngine, type TaskHubOptions } from "./open-engine.ts";

/**
 * A task hub: orchestrations, their activities and their state over one store. The only writer of its data.
 * Every method rejects with `HubClosedError` after `close`, and with `HubFencedError` once another hub has opened the same store.
 */
export class TaskHub extends HubClient {
  readonly name: string;
  readonly #engine: Engine;
  #closing: Promise<void> | undefined;

  protected constructor(engine: Engine) {
    super(engine);
    this.name = engine.options.hubName;
    this.#engine = engine;
  }

  /**
   * Opens a hub over a store and takes up what was outstanding. A hub that had the store open is fenced.
   * @throws InvalidArgumentError for options that make no sense, two definitions of one name and version among them; and whatever keeps the
   * store from being opened or read. The store is closed then.
   */
  static async open(options: TaskHubOptions): Promise<TaskHub> {
    const hub = new TaskHub(await openEngine(options));
    await hub.recover();
    return hub;
  }

  /**
   * Gives the hub up: running activities get their signal and run again after the next opening; waits reject with `HubClosedError`.
   * Every call resolves when the store has been closed.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#engine.close();
    await this.#engine.options.session.close();
  }

  /** Takes up what was outstanding; a hub that cannot is closed. */
  protected async recover(): Promise<void> {
    try {
      await this.#engine.recover();
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
