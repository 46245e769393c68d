/** Task hubs in the browser: a store over IndexedDB, and one hub for all tabs of an origin. */
export type { BrowserStorage, StorageStatus } from "./browser-storage.ts";
export type { StorageMarker } from "./loss.ts";
export { IndexedDbStore, type IndexedDbStoreOptions } from "./store.ts";
export { type BrowserTaskHub, type BrowserTaskHubOptions, openBrowserTaskHub } from "./tabs/open.ts";
export type { TabRole } from "./tabs/tab.ts";
