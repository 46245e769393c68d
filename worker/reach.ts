/**
 * How the front reaches the object of a hub.
 *
 * R1. A stub that threw may be broken for ever: every attempt has a new one.
 * R2. Only what reads is tried again; whether anything else took effect before the failure is not known here, so the caller decides.
 */
import { isTaskHubName } from "../core/identity.ts";
import { RequestError } from "./api/request-error.ts";

/** The binding of the object class, as `wrangler.toml` names it. */
const BINDING = "TASK_HUBS";
/** Attempts of a request that reads. */
const ATTEMPTS_MAX = 3;
/** Longest wait before the second attempt, in ms; it doubles with each further one. A random part of it is waited. */
const FIRST_PAUSE_MS = 50;

/** What is used of a Durable Object namespace. */
export interface ObjectNamespace {
  getByName(name: string): { fetch(request: Request): Promise<Response> };
}

/** The properties by which the runtime says what kind of failure it was. */
interface ObjectFailure {
  readonly retryable?: boolean;
  readonly overloaded?: boolean;
  readonly durableObjectReset?: boolean;
}

/**
 * The hub that a request is about: `taskHub` in the query, `"default"` when there is none.
 * @throws RequestError `invalidTaskHubName`
 */
export function taskHubOf(request: Request): string {
  const name = new URL(request.url).searchParams.get("taskHub") ?? "default";
  if (isTaskHubName(name)) return name;
  const message = `'${name.slice(0, 80)}' is not the name of a task hub: 1 to 64 letters, digits, '-' or '_'.`;
  throw new RequestError("invalidTaskHubName", message);
}

/** The namespace of hub objects. @throws Error when it is not bound. */
export function namespaceOf(env: unknown): ObjectNamespace {
  const namespace = (env as Partial<Record<string, ObjectNamespace>> | undefined)?.[BINDING];
  if (namespace) return namespace;
  throw new Error(`The binding ${BINDING} is missing. Bind the class TaskHubObject as ${BINDING} in wrangler.toml.`);
}

/**
 * Lets the object of a hub answer a request.
 * @throws RequestError `hubOverloaded` or `hubUnavailable`
 */
export async function askObject(namespace: ObjectNamespace, taskHub: string, request: Request): Promise<Response> {
  const attemptsMax = request.method === "GET" || request.method === "HEAD" ? ATTEMPTS_MAX : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await namespace.getByName(taskHub).fetch(request);
    } catch (error) {
      const failure = error as ObjectFailure;
      const isPassing = (failure.retryable || failure.durableObjectReset) && !failure.overloaded;
      if (!isPassing || attempt === attemptsMax) throw unreached(taskHub, error);
      await scheduler.wait(Math.random() * FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

function unreached(taskHub: string, cause: unknown): unknown {
  const { overloaded, retryable, durableObjectReset } = cause as ObjectFailure;
  if (overloaded) {
    const message = `The task hub '${taskHub}' has more requests than it can serve. Nothing of this one took effect; try again later, and less often.`;
    return new RequestError("hubOverloaded", message, { cause });
  }
  if (retryable || durableObjectReset) {
    const message = `The task hub '${taskHub}' was interrupted. This request may or may not have taken effect: look before you send it again.`;
    return new RequestError("hubUnavailable", message, { cause });
  }
  return cause;
}
