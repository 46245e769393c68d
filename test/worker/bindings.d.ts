/** What the settings of the tests bind (vitest.config.ts), for the types of `cloudflare:workers` and `cloudflare:test`. */
declare namespace Cloudflare {
  interface Env {
    readonly TASK_HUBS: DurableObjectNamespace;
    /** `all` for every crash point. */
    readonly CRASH_POINTS: string;
  }
  interface GlobalProps {
    mainModule: typeof import("./entry.ts");
    durableNamespaces: "TaskHubObject";
  }
}
