/**
 * What a tab needs of its surroundings, as ports: so that any number of tabs can be simulated in one process on virtual time.
 * A tab is whatever opens the hub: a page, a dedicated worker, a shared worker or a service worker.
 */
import type { Host } from "../../../core/hub/host.ts";

/** The part of the Web Locks API that tabs use, with its semantics. */
export interface Locks {
  /**
   * Calls `held` once the lock is this tab's, and keeps it until the promise of `held` settles; settles with it. `steal` takes the lock from
   * whoever has it: that one's request rejects with an `AbortError`. Rejects with an `AbortError` when `signal` fires first.
   */
  request(
    name: string,
    options: { readonly steal?: boolean; readonly signal?: AbortSignal },
    held: () => Promise<void>,
  ): Promise<unknown>;
}

/** One end of a channel that every tab of the origin can open by its name. */
export interface Channel {
  /** Hands a structured clone of the message to all other ends. */
  post(message: unknown): void;
  close(): void;
}

/**
 * What happens to a tab. `left`: it is about to be frozen or put into the back/forward cache, or it is closing; nothing more may run.
 * `returned`: it goes on. `woke`: it may have slept without being told (it became visible, the network came back).
 */
export type LifecycleEvent = "left" | "returned" | "woke";

export interface TabPlatform {
  /** Clock, randomness and event loop. */
  readonly host: Host;
  readonly locks: Locks;
  /** Opens an end of a channel; `heard` gets what others post, in order, and never while the tab is frozen. */
  openChannel(name: string, heard?: (message: unknown) => void): Channel;
  /** Calls back on what happens to the tab; gives what ends that. */
  onLifecycle(heard: (event: LifecycleEvent) => void): () => void;
  /** The clock may have gone on without the timers: those that are overdue by it fire now. */
  catchUpTimers(): void;
}
