/**
 * The few web globals that the hub (never the replay core) uses, declared here so that the core compiles without a DOM or Node library
 * and runs wherever these exist: Node, browsers, workers, workerd.
 */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare var AbortController: { new (): AbortController };
interface URL {
  readonly href: string;
  readonly protocol: string;
  readonly origin: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly username: string;
  readonly password: string;
  hash: string;
}
declare var URL: { new (url: string, base?: string | URL): URL };
declare var TextDecoder: {
  new (): { decode(bytes?: Uint8Array, options?: { readonly stream?: boolean }): string };
};
declare var performance: { now: () => number };
