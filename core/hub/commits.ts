/** Writes groups to the store, one at a time, and tells what became of each. */
import { type InstanceChange, isPromise, type StoreSession } from "../store/contract.ts";
import type { Group } from "./group.ts";

export interface CommitsPorts {
  readonly session: StoreSession;
  /** The group is durable. */
  written(group: Group): void;
  /** Nothing of the group took effect. True when others may go on. */
  failed(group: Group, error: Error): boolean;
  /** Others may go on after a promise. */
  goOn(): void;
}

export class Commits {
  readonly #ports: CommitsPorts;
  #writing: Group | undefined;
  #done: Promise<void> | undefined;
  #count = 0;

  constructor(ports: CommitsPorts) {
    this.#ports = ports;
  }

  /** The group that is on its way to an asynchronous store. */
  get writing(): Group | undefined {
    return this.#writing;
  }
  /** Settles when the last commit of an asynchronous store is done, one way or the other. */
  get done(): Promise<void> | undefined {
    return this.#done;
  }
  get count(): number {
    return this.#count;
  }

  /** True when it is over and others may go on, false when a promise must be awaited first or nothing may go on. */
  write(group: Group, changes: readonly InstanceChange[]): boolean {
    const { session, written, failed, goOn } = this.#ports;
    this.#count++;
    try {
      const done = changes.length > 0 ? session.commit(changes) : undefined;
      if (isPromise(done)) {
        this.#writing = group;
        this.#done = done.then(
          () => {
            this.#writing = undefined;
            written(group);
            goOn();
          },
          (error) => {
            this.#writing = undefined;
            if (failed(group, error as Error)) goOn();
          },
        );
        return false;
      }
    } catch (error) {
      return failed(group, error as Error);
    }
    written(group);
    return true;
  }
}
