/**
 * An HTTP call of an orchestrator: a request, and while the answer is 202 a timer and the next request.
 *
 * U1. Every attempt of a request and every wait between two consumes a sequence id, as any call and timer does; so a poll survives restarts.
 * U2. Nothing is judged in replay: which answer is final, where and when to ask again is part of the recorded result.
 *
 * Source of the semantics: the 202 pattern of Durable Functions' durable HTTP.
 */
import type { DurableHttpResponse } from "../definition/http.ts";
import type { Retry } from "../definition/retry.ts";
import { TaskFailedError } from "../errors.ts";
import { activityAttempts, CallTask } from "./call-task.ts";
import type { Operation, OperationHost } from "./operations.ts";
import { TaskNode } from "./task.ts";

/** Name of the activity that makes one request; the hub registers it. */
export const HTTP_REQUEST = "BuiltIn::HttpRequest";

/** One request, as the activity gets it. */
export interface HttpSending {
  readonly method: string;
  /** In its canonical form, without a fragment. */
  readonly url: string;
  /** Origin of the address that the orchestrator called: the only one that gets its credentials. */
  readonly origin: string;
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether a 202 is to be followed up. */
  readonly isPolling: boolean;
}

/** How an orchestrator's call goes about its requests. */
export interface HttpCallOptions {
  readonly retry: Retry | undefined;
  /** Longest time of one request. */
  readonly timeoutMs: number | undefined;
}

/** What the activity answers. */
export interface HttpReceipt {
  readonly response: DurableHttpResponse;
  /** Where and when to ask again; absent when the answer is final. */
  readonly poll?: { readonly url: string; readonly origin: string; readonly delayMs: number };
}

/** Headers that prove who is calling. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);
/** A key for one function, which addresses that a function hands out do not need. */
const FUNCTION_KEY = "x-functions-key";

/** The headers that go on to an address that the other side named. Credentials stay with their origin, headers of a body with the body. */
export function forwardedHeaders(
  headers: Readonly<Record<string, string>>,
  to: { readonly isSameOrigin: boolean; readonly hasBody: boolean },
): Record<string, string> {
  const isForwarded = ([name]: [string, string]): boolean =>
    name !== FUNCTION_KEY &&
    (to.isSameOrigin || !CREDENTIALS.has(name)) &&
    (to.hasBody || !name.startsWith("content-"));
  return Object.fromEntries(Object.entries(headers).filter(isForwarded));
}

/** `callHttp`: completes with the final answer, fails with `TaskFailedError` when a request failed for good. */
export class HttpTask extends TaskNode<DurableHttpResponse> implements Operation {
  readonly #host: OperationHost;
  readonly #first: HttpSending;
  readonly #options: HttpCallOptions;
  readonly #encode: (sending: HttpSending) => string;
  #next: HttpSending;
  #call: CallTask<HttpReceipt> | undefined;
  /** The timer of the wait before the next request. */
  #timerId: number | undefined;

  constructor(
    host: OperationHost,
    sending: HttpSending,
    options: HttpCallOptions,
    encode: (sending: HttpSending) => string,
  ) {
    super(host);
    this.#host = host;
    this.#first = sending;
    this.#next = sending;
    this.#options = options;
    this.#encode = encode;
    this.#send();
  }

  /** The wait between two requests is over. */
  fired(): void {
    this.#timerId = undefined;
    this.#send();
  }

  override cancel(): void {
    if (!this.isPending) return;
    super.cancel();
    if (this.#timerId === undefined) this.#call?.cancel();
    else this.#host.withdrawTimer(this.#timerId);
  }

  #send(): void {
    const { retry, timeoutMs } = this.#options;
    const options = timeoutMs === undefined ? undefined : { timeoutMs };
    const attempts = activityAttempts(HTTP_REQUEST, undefined, this.#encode(this.#next), options);
    const call = new CallTask<HttpReceipt>(this.#host, "Activity", HTTP_REQUEST, attempts, retry);
    this.#call = call;
    call.watch(({ error }) => {
      if (error) this.#failed(error);
      else this.#answered(call.result);
    });
  }

  #answered({ response, poll }: HttpReceipt): void {
    if (!poll) {
      this.complete(response);
      return;
    }
    const { body: _body, ...first } = this.#first;
    const isSameOrigin = poll.origin === first.origin;
    const headers = forwardedHeaders(first.headers, { isSameOrigin, hasBody: false });
    this.#next = { ...first, method: "GET", url: poll.url, headers };
    this.#timerId = this.#host.nextId();
    this.#host.take({ kind: "createTimer", id: this.#timerId, fireAtMs: this.#host.nowMs + poll.delayMs }, this);
  }

  #failed(error: Error): void {
    if (!(error instanceof TaskFailedError)) this.fail(error);
    else this.fail(new TaskFailedError(`${this.describe()} failed: ${error.failure.errorMessage}`, error.failure));
  }

  /** Names the request under way, without what may be secret in its address. */
  protected override describe(): string {
    const { method, url } = this.#next;
    return `The HTTP call ${method} ${url.replace(/\?.*$/, "").replace(/\/\/[^/]*@/, "//")}`;
  }
}
