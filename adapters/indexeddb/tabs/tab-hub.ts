/** One task hub for all tabs and workers of an origin, as one of them has it. */
import { defaultCodec } from "../../../core/codec/codec.ts";
import { HubClosedError, InvalidArgumentError } from "../../../core/errors.ts";
import { isSyncCodec, type TaskHubOptions } from "../../../core/hub/open-engine.ts";
import { Registry } from "../../../core/hub/registry.ts";
import { isTaskHubName } from "../../../core/identity.ts";
import { limitsOf } from "../../../core/limits.ts";
import { silentLogger } from "../../../core/logger.ts";
import type { HubStore } from "../../../core/store/contract.ts";
import type { TabPlatform } from "./platform.ts";
import { Tab, type TabRole } from "./tab.ts";
import { TabClient } from "./tab-client.ts";
import { Wire } from "./wire.ts";

/** How the hub is opened; the same in every tab. */
export interface TabHubOptions extends Omit<TaskHubOptions, "host" | "store"> {
  /**
   * Which build of the code this tab has. While tabs of several builds are open, one with a higher number takes over from one with a lower one.
   * Without it whoever executes goes on executing.
   */
  readonly codeVersion?: number;
}

/** What a tab's hub stands on. */
export interface TabHubGround {
  readonly store: HubStore;
  /** The tabs' locks and channels are named after it and the hub. */
  readonly databaseName: string;
  readonly platform: TabPlatform;
}

/** The hub as one tab has it: a client of the tab that executes, which may be this very one. */
export class TabHub extends TabClient {
  readonly name: string;
  readonly #tab: Tab;
  readonly #roleWatchers = new Set<(role: TabRole) => void>();

  /** @throws InvalidArgumentError for options that make no sense. Nothing is opened yet. */
  constructor(options: TabHubOptions, { store, databaseName, platform }: TabHubGround) {
    const { name = "default", codec = defaultCodec, logger = silentLogger, codeVersion } = options;
    checkOptions(name, options);
    const wire = new Wire(isSyncCodec(codec) ? codec : defaultCodec);
    const tab = new Tab({
      platform,
      wire,
      options: { ...options, name, store, host: platform.host },
      prefix: `holdfast:${databaseName}:${name}`,
      codeVersion,
      roleChanged: (role) => {
        logger.info(`This tab ${role === "executing" ? "executes" : "no longer executes"} the task hub '${name}'.`);
        for (const watcher of this.#roleWatchers) watcher(role);
      },
      openFailed: (error) => {
        logger.error(`This tab cannot use the task hub '${name}' now; it tries again.`, { error: String(error) });
        this.#openFailed(error);
      },
    });
    super(tab.outbox, wire, platform.host);
    this.name = name;
    this.#tab = tab;
  }

  #openFailed: (error: unknown) => void = () => {};

  /** Joins the other tabs. @throws what opening the store throws, when this tab is the one to do it; HoldfastError `tabOutdated` */
  async join(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#openFailed = reject;
    });
    try {
      await Promise.race([this.#tab.join(), failed]);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      this.#openFailed = () => {};
    }
  }

  /** `"executing"` in the one tab that runs the functions, `"client"` in all others. */
  get role(): TabRole {
    return this.#tab.role;
  }

  /** Calls back whenever the tab begins or ceases to execute; gives what ends that. */
  onRoleChange(callback: (role: TabRole) => void): () => void {
    this.#roleWatchers.add(callback);
    return () => this.#roleWatchers.delete(callback);
  }

  /** Leaves the hub to the other tabs: if this one executes, another goes on. Calls and waits of this tab reject with `HubClosedError`. */
  async close(): Promise<void> {
    await this.#tab.close(new HubClosedError(this.name));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Every tab checks its options, although only the one that executes uses them. */
function checkOptions(name: string, { functions, limits, codeVersion }: TabHubOptions): void {
  if (!isTaskHubName(name))
    throw new InvalidArgumentError(`'${String(name)}' is not a task hub name: 1–64 letters, digits, '-' or '_'.`);
  if (codeVersion !== undefined && !Number.isFinite(codeVersion))
    throw new InvalidArgumentError(`codeVersion must be a finite number; got ${String(codeVersion)}.`);
  limitsOf(limits);
  new Registry(functions);
}
