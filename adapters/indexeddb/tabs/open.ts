/** The hub of an origin in the browser: `openBrowserTaskHub`. */
import type { BrowserStorage } from "../browser-storage.ts";
import { IndexedDbStore, type IndexedDbStoreOptions } from "../store.ts";
import { browserPlatform } from "./browser-platform.ts";
import { TabHub, type TabHubOptions } from "./tab-hub.ts";

/** How the hub is opened; the same in every tab. */
export interface BrowserTaskHubOptions
  extends TabHubOptions,
    Pick<IndexedDbStoreOptions, "durability" | "marker" | "onDataLoss"> {
  /** The IndexedDB database that the hub is kept in; `"holdfast"` unless given. Hubs of one database are kept apart by their names. */
  readonly databaseName?: string;
}

/** The hub as one tab, or worker, has it. */
export class BrowserTaskHub extends TabHub {
  /** How safe the storage of this origin is, and how large. */
  readonly storage: BrowserStorage;

  /** @throws InvalidArgumentError for options that make no sense; HoldfastError `platformUnsupported` without Web Locks or BroadcastChannel. */
  constructor(options: BrowserTaskHubOptions) {
    const { databaseName = "holdfast", durability, marker, onDataLoss } = options;
    const store = new IndexedDbStore({
      databaseName,
      ...(durability && { durability }),
      ...(marker !== undefined && { marker }),
      ...(onDataLoss && { onDataLoss }),
    });
    super(options, { store, databaseName, platform: browserPlatform() });
    this.storage = store.storage;
  }
}

/**
 * Opens the task hub of this origin, in every tab and worker that wants it: one of them executes its functions, all of them start, signal, wait,
 * query and watch. When the one that executes is closed, crashes, freezes or goes to the back/forward cache, another one goes on, and calls
 * under way are made again without being applied twice.
 *
 * Every tab gives the same functions: any of them may come to execute. Resolves when one of the tabs has the hub open.
 * @throws InvalidArgumentError for options that make no sense; HoldfastError with the code `platformUnsupported` where there are no Web Locks or
 * no BroadcastChannel, `tabOutdated` where a tab of a newer build of Holdfast executes that does not understand this one (reload the page; so do all
 * calls once that happens); and what opening the store throws, when this tab is the one to open it.
 */
export async function openBrowserTaskHub(options: BrowserTaskHubOptions): Promise<BrowserTaskHub> {
  const hub = new BrowserTaskHub(options);
  await hub.join();
  return hub;
}
