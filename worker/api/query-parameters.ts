/**
 * Query parameters, read strictly: what is there and cannot be understood is refused, never ignored.
 *
 * Every function throws RequestError `invalidRequest` for a value that it cannot understand.
 */
import { ORCHESTRATION_STATUSES, type OrchestrationStatus } from "../../core/store/contract.ts";
import { RequestError } from "./request-error.ts";

/** Parameters that any request may have: the hub, a storage connection as Durable Functions has it (without effect here), and the key. */
const EVERYWHERE: readonly string[] = ["taskHub", "connection", "code"];

/** A date, or an instant to at most milliseconds; a time without an offset is UTC. */
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+ -]\d\d:\d\d)?)?$/i;
/** Longest time a request may ask the worker to wait, in seconds. */
const SECONDS_MAX = 86_400;

/** The parameters of one request, asked for by name. */
export class QueryParameters {
  readonly #all: URLSearchParams;

  constructor(url: string) {
    this.#all = new URL(url).searchParams;
  }

  /** A text as it was given; `undefined` when it is missing. */
  text(name: string): string | undefined {
    return this.#all.get(name) ?? undefined;
  }

  /** A text that must be there and must not be empty. `refusal` is what a request without it is told. */
  requiredText(name: string, refusal: string): string {
    const text = this.text(name);
    if (text === undefined || text === "") throw new RequestError("invalidRequest", refusal);
    return text;
  }

  /** `true` or `false`, in any case of letters. */
  flag(name: string, otherwise: boolean): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return otherwise;
    if (text === "true" || text === "false") return text === "true";
    throw misunderstood(name, this.text(name), "true or false");
  }

  /** An instant, in ISO 8601. */
  instant(name: string): Date | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : instantOf(name, text);
  }

  /** A comma-separated list of runtime statuses; their case does not matter, and empty parts do not count. */
  statuses(name: string): OrchestrationStatus[] | undefined {
    const parts = this.text(name)
      ?.split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
    if (parts === undefined || parts.length === 0) return undefined;
    return parts.map((part) => {
      const status = ORCHESTRATION_STATUSES.find((known) => known.toLowerCase() === part.toLowerCase());
      if (status === undefined) throw misunderstood(name, part, `one of ${ORCHESTRATION_STATUSES.join(", ")}`);
      return status;
    });
  }

  /** A whole number of at least 1. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    throw misunderstood(name, text, "a whole number of at least 1");
  }

  /** A number of seconds, in ms. */
  secondsMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const seconds = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (seconds >= 0 && seconds <= SECONDS_MAX) return Math.round(seconds * 1_000);
    throw misunderstood(name, text, `a number of seconds, 0 to ${SECONDS_MAX}`);
  }

  /** Refuses parameters that a route does not have: a misspelled filter would otherwise widen what it was to narrow. */
  allowOnly(...names: readonly string[]): void {
    const known = [...names, ...EVERYWHERE];
    for (const name of this.#all.keys()) {
      if (known.includes(name)) continue;
      const message = `There is no parameter '${name.slice(0, 60)}' here. Known parameters: ${known.join(", ")}.`;
      throw new RequestError("invalidRequest", message);
    }
  }
}

function instantOf(name: string, text: string): Date {
  const [, year, month, day, offset] = INSTANT.exec(text) ?? [];
  const isTime = /T/i.test(text);
  // An offset's plus sign means a space in a query string.
  const date = new Date(isTime && offset === undefined ? `${text}Z` : text.replace(" ", "+"));
  const isInCalendar = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (day !== undefined && isInCalendar && !Number.isNaN(date.getTime())) return date;
  throw misunderstood(name, text, "an instant such as 2026-01-31T23:59:59Z");
}

function misunderstood(name: string, given: string | undefined, expected: string): RequestError {
  return new RequestError(
    "invalidRequest",
    `The parameter '${name}' is '${String(given).slice(0, 60)}'; expected ${expected}.`,
  );
}
