/** What the page says about the worker behind it: reachable or not, and what went wrong last. */
import { element, setText } from "./elements.ts";
import { ApiError } from "./management-api.ts";

/** Owns the connection sign and the error banner. */
export class Connection {
  readonly #sign = element("connection", HTMLElement);
  readonly #banner = element("banner", HTMLElement);
  readonly #bannerText = element("banner-text", HTMLElement);
  readonly #onKeyWanted: () => void;

  /** @param onKeyWanted called when the worker refuses for want of a key. */
  constructor(onKeyWanted: () => void) {
    this.#onKeyWanted = onKeyWanted;
    element("banner-close", HTMLButtonElement).addEventListener("click", () => {
      this.#banner.hidden = true;
    });
  }

  /** The worker answered. */
  good(): void {
    if (this.#sign.dataset.state === "lost") this.#banner.hidden = true;
    this.#sign.dataset.state = "good";
    setText(this.#sign, "Worker connected");
  }

  /** Something went wrong, told where it can be seen. Errors that are not the worker's are the page's own, and go to the console too. */
  bad(error: unknown): void {
    if (!(error instanceof ApiError)) {
      this.#tell(`Something is wrong with this page: ${error instanceof Error ? error.message : String(error)}`);
      console.error(error);
      return;
    }
    if (error.status === 401) {
      this.#sign.dataset.state = "locked";
      setText(this.#sign, "Key needed");
      this.#onKeyWanted();
      return;
    }
    if (error.status === 0) {
      this.#sign.dataset.state = "lost";
      setText(this.#sign, "Worker unreachable");
    }
    this.#tell(error.message);
  }

  #tell(text: string): void {
    this.#banner.hidden = false;
    setText(this.#bannerText, text);
  }
}
