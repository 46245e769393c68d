/**
 * The egress policy of a hub: which addresses `callHttp` may reach. Checked before every single request, redirects and polls included.
 *
 * W1. What is compared is the canonical form of the URL standard, and that form is what is fetched.
 * W2. Refused unless it is public or listed; a refusal is final and no request is made.
 */
import { EgressDeniedError, InvalidArgumentError } from "../errors.ts";
import { notPublic } from "./addresses.ts";

/**
 * What `callHttp` may reach. By default `http:` and `https:` to public addresses and names: nothing local, private, link-local, reserved or
 * for metadata, in whatever spelling, and no name without a dot or with a local ending (`localhost`, `.local`, `.internal` …).
 *
 * Names are judged by their text. A public name that its owner points at a private address (also only after it was checked: DNS rebinding)
 * is not found out in browsers and Workers, which have no resolver: list what may be reached with `deny: ["*"]` where that matters, and keep
 * what is inside behind its own authentication. In Node give `lookup`.
 */
export interface EgressOptions {
  /**
   * Hosts that may be reached although they are not public: `"localhost"` (every port), `"127.0.0.1:8080"`, `"[::1]:8080"`, or `"*.example.com"`
   * (every name below it, not itself).
   */
  readonly allowHosts?: readonly string[];
  /** Hosts that must not be reached, written like those of `allowHosts`, which they win over. `"*"` is every host that `allowHosts` does not name. */
  readonly deny?: readonly string[];
  /**
   * Finds the addresses of a name that `allowHosts` does not list; all of them must be public. In Node:
   * `async (name) => (await dns.promises.lookup(name, { all: true })).map(({ address }) => address)`. The connection looks the name up
   * once more, so that a name server that answers differently each time is still not found out; for that, pin the address in `fetch`.
   */
  readonly lookup?: (hostname: string) => Promise<readonly string[]>;
}

/** A host, or all names below one, on one port or on all. */
interface HostPattern {
  readonly host: string;
  readonly isBelow: boolean;
  readonly port: string | undefined;
}

export class EgressPolicy {
  readonly #allowed: readonly HostPattern[];
  readonly #denied: readonly HostPattern[];
  readonly #deniesOthers: boolean;
  readonly #lookup: EgressOptions["lookup"];

  /** @throws InvalidArgumentError for an entry that is not a host. */
  constructor({ allowHosts = [], deny = [], lookup }: EgressOptions = {}) {
    this.#allowed = patternsOf(allowHosts, "egress.allowHosts");
    this.#deniesOthers = Array.isArray(deny) && deny.includes("*");
    this.#denied = patternsOf(this.#deniesOthers ? deny.filter((entry) => entry !== "*") : deny, "egress.deny");
    if (lookup !== undefined && typeof lookup !== "function")
      throw new InvalidArgumentError(`egress.lookup must be a function; got ${typeof lookup}.`);
    this.#lookup = lookup;
  }

  /** @throws EgressDeniedError unless the address may be reached. */
  async check(url: URL): Promise<void> {
    if (url.protocol !== "http:" && url.protocol !== "https:")
      throw refusal(url, "has another scheme than http or https");
    const host = hostOf(url);
    const port = url.port || (url.protocol === "http:" ? "80" : "443");
    const isListed = (patterns: readonly HostPattern[]): boolean => patterns.some((one) => matches(one, host, port));
    if (url.username !== "" || url.password !== "")
      throw refusal(url, "holds a user name or password; send credentials in a header");
    if (isListed(this.#denied)) throw refusal(url, "is listed in egress.deny");
    if (isListed(this.#allowed)) return;
    if (this.#deniesOthers) throw refusal(url, `is not listed in egress.allowHosts, and egress.deny is "*"`);
    const reason = notPublic(host) ?? (await this.#resolvedNotPublic(host));
    if (reason)
      throw refusal(
        url,
        `is ${reason}. If it is meant to be reached, add '${host}' or '${host}:${port}' to egress.allowHosts`,
      );
  }

  async #resolvedNotPublic(host: string): Promise<string | undefined> {
    if (!this.#lookup || isAddress(host)) return undefined;
    for (const address of await this.#lookup(host)) {
      const text = address.replace(/%.*$/, "");
      const found = parseHost(text.includes(":") ? `[${text}]` : text);
      const reason = found === undefined || !isAddress(found) ? "no address at all" : notPublic(found);
      if (reason) return `a name for '${address}', which is ${reason}`;
    }
    return undefined;
  }
}

function refusal(url: URL, reason: string): EgressDeniedError {
  return new EgressDeniedError(hostOf(url), `callHttp may not reach '${url.protocol}//${url.host}': it ${reason}.`);
}

/** The host without the dot that may end a name. */
function hostOf(url: URL): string {
  return url.hostname.replace(/\.+$/, "");
}

function matches(pattern: HostPattern, host: string, port: string): boolean {
  if (pattern.port !== undefined && pattern.port !== port) return false;
  return pattern.isBelow ? host.endsWith(`.${pattern.host}`) : host === pattern.host;
}

function patternsOf(entries: readonly string[], option: string): HostPattern[] {
  if (!Array.isArray(entries)) throw new InvalidArgumentError(`${option} must be an array of hosts.`);
  return entries.map((entry: unknown) => {
    const pattern = typeof entry === "string" ? patternOf(entry) : undefined;
    if (pattern) return pattern;
    throw new InvalidArgumentError(
      `${option}: '${String(entry)}' is not a host. Write 'example.com', 'example.com:8443', '*.example.com', '10.0.0.5' or '[::1]:8080', without scheme and path.`,
    );
  });
}

function patternOf(entry: string): HostPattern | undefined {
  const isBelow = entry.startsWith("*.");
  const rest = isBelow ? entry.slice(2) : entry;
  const isBareV6 = rest.includes("::") || rest.split(":").length > 2;
  const [, text = "", port] =
    (isBareV6 && !rest.startsWith("[") ? [rest, `[${rest}]`] : /^(.*?)(?::(\d{1,5}))?$/.exec(rest)) ?? [];
  const host = /[/?#@\\\s*]/.test(text) || text === "" ? undefined : parseHost(text);
  if (host === undefined || (isBelow && isAddress(host)) || Number(port ?? 0) > 65_535) return undefined;
  return { host, isBelow, port: port === undefined ? undefined : String(Number(port)) };
}

/** The canonical form of a host; `undefined` when it is none. */
function parseHost(text: string): string | undefined {
  try {
    return hostOf(new URL(`http://${text}`)) || undefined;
  } catch {
    return undefined;
  }
}

function isAddress(host: string): boolean {
  return host.startsWith("[") || /^[\d.]+$/.test(host);
}
