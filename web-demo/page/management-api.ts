/** The HTTP management API of the task hub, as far as this page needs it. Plain `fetch`: any client could do the same. */
import type { Order } from "../functions/order.ts";

const BASE = "/runtime/webhooks/durabletask";

/** Where one instance is managed: what the worker answers a start with. */
export interface ManagementUris {
  readonly id: string;
  readonly statusQueryGetUri: string;
  readonly sendEventPostUri: string;
  readonly terminatePostUri: string;
  readonly suspendPostUri: string;
  readonly resumePostUri: string;
}

/** The URIs that change an instance and take a reason. */
export type ControlUri = "terminatePostUri" | "suspendPostUri" | "resumePostUri";

/** The status of an instance, as the worker tells it. */
export interface InstanceStatus {
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly HistoryEntry[];
}

/** One entry of a history; which fields it has depends on its type. */
export interface HistoryEntry {
  readonly EventType: string;
  readonly Timestamp: string;
  readonly FunctionName?: string;
  readonly Name?: string;
  readonly Reason?: string;
  readonly FireAt?: string;
  readonly OrchestrationStatus?: string;
}

/** True once nothing more will happen to an instance. */
export function isFinal(runtimeStatus: string): boolean {
  return ["Completed", "Failed", "Terminated", "Canceled"].includes(runtimeStatus);
}

/** The worker refused a request, or (`status` 0) could not be reached. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Talks to one task hub. The key stays in this tab. */
export class ManagementApi {
  readonly #taskHub: string;
  #key: string | null;

  /** @param taskHub name of the hub; the worker's default one when empty. */
  constructor(taskHub: string, key: string | null) {
    this.#taskHub = taskHub;
    this.#key = key;
  }

  useKey(key: string): void {
    this.#key = key;
  }

  /** Starts an order under its own id. Refused (409) while an order of that id is under way. */
  async start(order: Order): Promise<ManagementUris> {
    const uri = this.#uri(`/orchestrators/orderProcessing/${encodeURIComponent(order.id)}`);
    return (await this.#send("POST", uri, order)) as ManagementUris;
  }

  /** Where an instance started earlier is managed: the addresses its start was answered with. */
  urisOf(id: string): ManagementUris {
    const instance = `/instances/${encodeURIComponent(id)}`;
    return {
      id,
      statusQueryGetUri: this.#uri(instance),
      sendEventPostUri: this.#uri(`${instance}/raiseEvent/{eventName}`),
      terminatePostUri: this.#uri(`${instance}/terminate?reason={text}`),
      suspendPostUri: this.#uri(`${instance}/suspend?reason={text}`),
      resumePostUri: this.#uri(`${instance}/resume?reason={text}`),
    };
  }

  /** The status of an instance, `undefined` when the hub has none of that id. */
  async status(
    uris: ManagementUris,
    options: { readonly withHistory?: boolean } = {},
  ): Promise<InstanceStatus | undefined> {
    const uri = options.withHistory ? historyUri(uris) : uris.statusQueryGetUri;
    try {
      return (await this.#send("GET", uri)) as InstanceStatus;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async raiseEvent(uris: ManagementUris, eventName: string, data: unknown): Promise<void> {
    await this.#send("POST", uris.sendEventPostUri.replace("{eventName}", encodeURIComponent(eventName)), data);
  }

  async control(uris: ManagementUris, uri: ControlUri, reason: string): Promise<void> {
    await this.#send("POST", uris[uri].replace("{text}", encodeURIComponent(reason)));
  }

  /** Asks whether the worker is there and lets us in. */
  async check(): Promise<void> {
    await this.#send("GET", this.#uri("/instances?top=1&showInput=false"));
  }

  #uri(path: string): string {
    const url = new URL(BASE + path, location.origin);
    if (this.#taskHub !== "") url.searchParams.set("taskHub", this.#taskHub);
    // Placeholders stay as they are, as the worker writes them.
    return url.href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  }

  async #send(method: "GET" | "POST", uri: string, body?: unknown): Promise<unknown> {
    const headers = new Headers({ Accept: "application/json" });
    if (this.#key !== null) headers.set("Authorization", `Bearer ${this.#key}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    let response: Response;
    let text: string;
    try {
      response = await fetch(uri, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
      text = await response.text();
    } catch {
      throw new ApiError(0, "The worker does not answer. Is it still running?");
    }
    if (response.ok) return text === "" ? undefined : JSON.parse(text);
    throw new ApiError(response.status, explanation(response, text));
  }
}

/** Where the history of an instance can be read. */
export function historyUri(uris: ManagementUris): string {
  const url = new URL(uris.statusQueryGetUri, location.origin);
  url.searchParams.set("showHistory", "true");
  url.searchParams.set("showHistoryOutput", "true");
  return url.href;
}

/** What a refusal says, in the worker's own words where it has some. */
function explanation(response: Response, text: string): string {
  const fallback = text.trim() === "" ? response.statusText : text.slice(0, 500);
  try {
    const body: unknown = JSON.parse(text);
    const words =
      wordsOf(body) ?? (typeof body === "object" && body !== null && "error" in body ? wordsOf(body.error) : undefined);
    return `${words ?? fallback} (HTTP ${response.status})`;
  } catch {
    return `${fallback} (HTTP ${response.status})`;
  }
}

function wordsOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  const { message, Message, detail, title } = value as Record<string, unknown>;
  return [message, Message, detail, title].find((words): words is string => typeof words === "string");
}
