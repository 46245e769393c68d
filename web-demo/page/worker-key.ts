/** The worker's key, when it asks for one: from the page's address (`#key=…`) or from the form. It stays in this tab. */
import { element } from "./elements.ts";
import { storedText, storeText } from "./stored-text.ts";

/** The key this tab has; one in the address is taken over and removed from there. */
export function keyOfThisTab(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return storedText("tab", "key");
  storeText("tab", "key", given);
  history.replaceState(null, "", location.pathname + location.search);
  return given;
}

/** The form that asks for the key. */
export class KeyForm {
  readonly #form = element("key-form", HTMLFormElement);
  readonly #key = element("key", HTMLInputElement);

  constructor(onKey: (key: string) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.#key.value.trim();
      if (key === "") return;
      storeText("tab", "key", key);
      this.#key.value = "";
      this.#form.hidden = true;
      onKey(key);
    });
  }

  /** Asks for the key, once. */
  ask(): void {
    if (!this.#form.hidden) return;
    this.#form.hidden = false;
    this.#key.focus();
  }
}
