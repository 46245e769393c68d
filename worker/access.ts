/**
 * Who is let in.
 *
 * K1. With a key: whoever shows it, as `code` in the query or as a bearer token. The comparison takes the same time wherever texts differ.
 * K2. Without a key: requests to a loopback host only, and from pages only those of a loopback or a listed origin, so that no other
 *     page in the developer's browser reaches the hub.
 */
import { RequestError } from "./api/request-error.ts";

/** What the decision depends on beside the request. */
export interface AccessRules {
  /** The key in use; `undefined` when there is none. */
  readonly key: string | undefined;
  readonly corsOrigins: readonly string[];
}

/** @throws RequestError `unauthorized` or `keyNotConfigured` */
export async function checkAccess(request: Request, rules: AccessRules): Promise<void> {
  if (rules.key === undefined) {
    if (isLocal(request, rules.corsOrigins)) return;
    const message =
      "This worker has no key, so it serves requests to a loopback host only. Set the secret TASK_HUB_KEY, or the option `key`.";
    throw new RequestError("keyNotConfigured", message);
  }
  for (const shown of keysShown(request)) if (await isSame(shown, rules.key)) return;
  const message = "The key is missing or wrong. Send it as the query parameter `code` or as `Authorization: Bearer`.";
  throw new RequestError("unauthorized", message);
}

/** What the log of a worker without a key says. */
export const NO_KEY_WARNING =
  "NO KEY IS CONFIGURED for this task hub worker: whoever can reach it locally can read and change everything, and requests to any other host are refused. Set the secret TASK_HUB_KEY before it is deployed.";

function keysShown(request: Request): string[] {
  const code = new URL(request.url).searchParams.get("code") ?? "";
  const [, token = ""] = /^Bearer +(\S+) *$/i.exec(request.headers.get("Authorization") ?? "") ?? [];
  return [code, token].filter((key) => key !== "");
}

/** Compares digests, so that neither length nor content of the key can be told from the time it takes. */
async function isSame(shown: string, key: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(shown), digest(key)]);
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= (left[i] ?? 0) ^ (right[i] ?? 0);
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function isLocal(request: Request, corsOrigins: readonly string[]): boolean {
  const host = request.headers.get("Host");
  const origin = request.headers.get("Origin");
  if (!isLoopback(request.url) || (host !== null && !isLoopback(`http://${host}`))) return false;
  return origin === null || isLoopback(origin) || corsOrigins.includes(origin);
}

function isLoopback(url: string): boolean {
  const hostname = URL.canParse(url) ? new URL(url).hostname : "";
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}
