/** What the browser says of the storage of this origin. */

/** How safe what is stored here is, and how much room there is; what the browser does not tell is absent. */
export interface StorageStatus {
  /** True when the browser does not delete it to make room. */
  readonly isPersisted?: boolean;
  readonly quotaBytes?: number;
  readonly usageBytes?: number;
  /** Of commits that were acknowledged: `"strict"` ones survive a loss of power, `"relaxed"` ones the end of the browser. */
  readonly durability: "strict" | "relaxed";
}

/** The storage of this origin, which every hub of it shares. */
export interface BrowserStorage {
  status(): Promise<StorageStatus>;
  /** Asks the browser not to delete it to make room; best called when a person has just done something. False when it refused. */
  persist(): Promise<boolean>;
}

/** The storage as `navigator.storage` tells of it. */
export function browserStorage(durability: "strict" | "relaxed"): BrowserStorage {
  const told = (): StorageManager | undefined => globalThis.navigator?.storage;
  return {
    async status() {
      const [isPersisted, estimate] = await Promise.all([told()?.persisted?.(), told()?.estimate?.()]);
      return {
        ...(isPersisted !== undefined && { isPersisted }),
        ...(estimate?.quota !== undefined && { quotaBytes: estimate.quota }),
        ...(estimate?.usage !== undefined && { usageBytes: estimate.usage }),
        durability,
      };
    },
    async persist() {
      return (await told()?.persist?.()) ?? false;
    },
  };
}
