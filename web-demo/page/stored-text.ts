/** What the browser keeps for this page, where it may: a browser that forbids it keeps nothing, and everything else works. */

/** `tab`: until the tab is closed; `browser`: until somebody clears it. */
export type StoragePlace = "tab" | "browser";

const KEY_PREFIX = "holdfast-demo-";

/** The text stored under a name; `null` when there is none, or storage is forbidden. */
export function storedText(place: StoragePlace, name: string): string | null {
  try {
    return storageOf(place).getItem(KEY_PREFIX + name);
  } catch {
    return null;
  }
}

/** Stores a text, unless storage is full or forbidden. */
export function storeText(place: StoragePlace, name: string, text: string): void {
  try {
    storageOf(place).setItem(KEY_PREFIX + name, text);
  } catch {
    // Nothing is lost but the convenience.
  }
}

function storageOf(place: StoragePlace): Storage {
  return place === "tab" ? sessionStorage : localStorage;
}
