import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import packageJson from "./package.json" with { type: "json" };
import { BACK_END_NAMES, BACK_ENDS, CHROMIUM_ARGUMENTS, chromiumPath, PROFILES } from "./test/browser/chromium.ts";
import { INSTALLED } from "./test/package/paths.ts";

// The Workers tools neither fetch sample data nor report usage: tests reach no network. Processes that tests start inherit this.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";
process.env.WRANGLER_HIDE_BANNER = "true";
process.env.DO_NOT_TRACK = "1";

/** The package's own name means its sources: every entry of `exports` is aliased to the source file it is built from. */
const alias = Object.entries(packageJson.exports)
  .filter(([, target]) => target.endsWith(".js"))
  .map(([subpath, target]) => ({
    find: new RegExp(`^${packageJson.name}${subpath.slice(1)}$`),
    replacement: fileURLToPath(new URL(target.replace(/^\.\/dist\/(.*)\.js$/, "./$1.ts"), import.meta.url)),
  }));

/** Time decides no test: these end what hangs, on a machine that is busy with other things too. */
const PATIENCE = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } } };

const inWorkerd = ["test/worker/**/*.test.ts"];
const inPages = ["test/browser/in-page/**/*.test.ts"];
const ofThePackage = ["test/package/**/*.test.ts"];
const inProcesses = ["test/end-to-end/**/*.test.ts"];
const inBrowsers = ["test/browser/*.test.ts"];

/** One file on each core: Vitest itself would leave one to itself, of two the half. Projects that run at the same time must agree on the number. */
const ON_EVERY_CORE = { maxWorkers: "100%" } as const;
/** After the others: one file in Vitest's own browser, and beside it one that drives browsers and mostly waits for them. */
const BROWSERS_LAST = { sequence: { groupOrder: 1 }, maxWorkers: 1 } as const;

const node = defineConfig({
  resolve: { alias },
  test: {
    ...PATIENCE,
    ...ON_EVERY_CORE,
    name: "node",
    include: ["test/**/*.test.ts"],
    exclude: [...inWorkerd, ...ofThePackage, ...inProcesses, ...inBrowsers, ...inPages],
  },
});

/** What users rely on, said once more to the built and packed package. These files know it by its name alone. */
const SEMANTICS = [
  "client",
  "continue-as-new",
  "events",
  "history",
  "orchestrations",
  "retries",
  "scenarios",
  "schedules",
  "sub-orchestrations",
  "test-task-hub",
].map((name) => `test/core/${name}.test.ts`);

const built = defineConfig({
  resolve: {
    alias: Object.entries(packageJson.exports).map(([subpath, target]) => ({
      find: new RegExp(`^${packageJson.name}${subpath.slice(1)}$`),
      replacement: join(INSTALLED, target),
    })),
  },
  test: {
    ...PATIENCE,
    ...ON_EVERY_CORE,
    name: "package",
    include: [...ofThePackage, ...SEMANTICS],
    globalSetup: "test/package/set-up.ts",
  },
});

const workerd = defineConfig({
  resolve: { alias },
  plugins: [
    cloudflareTest({
      main: "test/worker/entry.ts",
      miniflare: {
        compatibilityDate: "2026-10-15",
        bindings: { CRASH_POINTS: process.env.CRASH_POINTS ?? "" },
        durableObjects: { TASK_HUBS: { className: "TaskHubObject", useSQLite: true } },
      },
    }),
  ],
  test: {
    ...PATIENCE,
    ...ON_EVERY_CORE,
    name: "workerd",
    include: inWorkerd,
    globalSetup: "test/worker/loopback.ts",
  },
});

/** Runs in a page of a real browser with its profile on disk, once on each database that IndexedDB is kept in there. */
const chromium = defineConfig({
  resolve: { alias },
  test: {
    ...PATIENCE,
    ...BROWSERS_LAST,
    include: inPages,
    globalSetup: "test/browser/set-up.ts",
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      instances: BACK_END_NAMES.map((backEnd) => ({
        browser: "chromium" as const,
        name: `chromium, ${backEnd}`,
        // What is not about the database runs once.
        ...(backEnd !== "LevelDB" && { exclude: ["test/browser/in-page/{replay,scenarios}.test.ts"] }),
        provider: playwright({
          launchOptions: { executablePath: chromiumPath(), args: [...CHROMIUM_ARGUMENTS, ...BACK_ENDS[backEnd]] },
          // Unlike other contexts, a persistent one keeps IndexedDB on disk.
          persistentContext: join(PROFILES, backEnd),
        }),
      })),
    },
  },
});

/** Starts real processes, and kills them. */
const endToEnd = defineConfig({
  resolve: { alias },
  test: {
    ...PATIENCE,
    ...ON_EVERY_CORE,
    name: "e2e",
    include: inProcesses,
  },
});

/** Starts real browsers, and kills them. */
const browsers = defineConfig({
  resolve: { alias },
  test: {
    ...PATIENCE,
    ...BROWSERS_LAST,
    name: "browsers",
    include: inBrowsers,
    globalSetup: "test/browser/set-up.ts",
  },
});

export default defineConfig({
  test: {
    projects: [node, built, workerd, endToEnd, chromium, browsers],
    passWithNoTests: true,
    reporters: ["dot"],
    experimental: { diagnostics: false },
  },
});
