/** What `callHttp` needs of `fetch`: a part of the web's own, so that the platform's and a test's both fit. */

/** One request. Redirects are not to be followed: each has to pass the egress policy first. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** One answer. */
export interface FetchResponse {
  readonly status: number;
  /** `"opaqueredirect"` where a browser hides a redirect. */
  readonly type?: string;
  /** Whether redirects were followed after all, and where they led. */
  readonly redirected?: boolean;
  readonly url?: string;
  readonly headers: { forEach(callback: (value: string, name: string) => void): void };
  readonly body?: ContentStream | null;
  text(): Promise<string>;
}

/** A stream of bytes that can be given up. */
export interface ContentStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
  cancel(): Promise<void>;
}

export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** The platform's own `fetch`, looked up at each request. */
export const platformFetch: Fetch = (url, init) => (globalThis as unknown as { fetch: Fetch }).fetch(url, init);
