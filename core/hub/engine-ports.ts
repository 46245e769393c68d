/** What the steps of a turn (admission, staging, parking, entities) ask of the engine that runs them. */
import type { Limits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { OrchestratorRun } from "../replay/run.ts";
import type { StoreSession } from "../store/contract.ts";
import type { Group } from "./group.ts";
import type { Host } from "./host.ts";
import type { LiveInstance } from "./live-instance.ts";
import type { Message } from "./message.ts";
import type { Payloads } from "./payloads.ts";
import type { ReceiptBooks } from "./receipts.ts";
import type { Registry } from "./registry.ts";
import type { Retention } from "./retention.ts";
import type { VersioningOptions } from "./versioning.ts";
import type { Waiters } from "./waiters.ts";

/** The parts a hub is made of, and how it was opened. */
export interface EngineOptions {
  readonly hubName: string;
  readonly session: StoreSession;
  readonly host: Host;
  readonly registry: Registry;
  readonly payloads: Payloads;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly env: unknown;
  readonly onNonDeterminism: "fail" | "suspend";
  /** Every turn is run again from scratch and compared. */
  readonly checksDeterminism: boolean;
  readonly versioning: VersioningOptions;
  readonly retention: Retention;
  /** Where requests over an unreliable way are noted as done; absent when every caller is in this process. */
  readonly receipts?: ReceiptBooks;
  /** `isStrict`: a run that is compared with the one before it. */
  newRun(
    live: Pick<LiveInstance, "instanceId" | "callSites">,
    onViolation: () => void,
    isStrict?: boolean,
  ): OrchestratorRun;
}

/** What the calls of clients ask of the engine. */
export interface ClientPorts {
  readonly options: EngineOptions;
  readonly waiters: Waiters;
  /** @throws HubClosedError, HubFencedError once the engine takes nothing more. */
  checkOpen(): void;
  /** What clients may see of an instance that is in memory. */
  find(instanceId: string): LiveInstance | undefined;
  /** Sends an instance a message and waits until it is committed. */
  send(instanceId: string, message: Message): Promise<unknown>;
  newExecutionId(): string;
}

export interface EnginePorts {
  readonly options: EngineOptions;
  /** The group commit in the making. */
  readonly group: Group;
  /** Reads the history that a replay needs; true when it is there already. */
  ensurePast(live: LiveInstance): boolean;
  /** A place in a stored inbox, after all given before. */
  nextSequence(): number;
  newExecutionId(): string;
  /** Sends a message that the current group's commit promises. */
  promise(instanceId: string, message: Message): void;
  /** Waits for an entity's asynchronous operations, and stages their outcome then. */
  awaitEntity(live: LiveInstance, messages: readonly Message[], done: Promise<void>, stage: () => void): void;
}
