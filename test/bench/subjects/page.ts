/** IndexedDB in a page of Chromium, with its profile on disk and strict commits: Holdfast, and the same rows without an engine. */
import { Browser, discardProfile, newProfile } from "../../browser/browser.ts";
import { type BackEnd, ensureChromium } from "../../browser/chromium.ts";
import { PageServer } from "../../browser/page-server.ts";
import type { PageRequest } from "../../browser/pages/bench.ts";
import type { Subject } from "../subject.ts";
import { HOLDFAST_VERSION } from "./holdfast.ts";

/** What runs in a new browser over one of the databases that Chromium keeps IndexedDB in. */
export function inChromium(backEnd: BackEnd, engine: PageRequest["engine"]): Subject {
  return {
    ...(engine === "holdfast" && { version: HOLDFAST_VERSION }),
    isElsewhere: true,
    bench(variant, meter) {
      const opened = openPage(backEnd);
      return {
        async round(workload) {
          const { page } = await opened;
          await page.evaluate((request) => globalThis.bench.prepare(request), { engine, variant, workload });
          return {
            async run() {
              const { outputs, activityRuns } = await page.evaluate(() => globalThis.bench.run());
              for (let run = 0; run < activityRuns; run++) meter.tick();
              return outputs;
            },
            end: () => page.evaluate(() => globalThis.bench.end()),
          };
        },
        async end() {
          await (await opened).close();
        },
      };
    },
  };
}

async function openPage(backEnd: BackEnd) {
  ensureChromium();
  const server = await PageServer.start(["bench"], () => undefined);
  const profile = newProfile();
  const browser = await Browser.start(profile, backEnd);
  const page = await browser.open(`${server.origin}/bench`);
  return {
    page,
    async close(): Promise<void> {
      await browser.kill();
      await server[Symbol.asyncDispose]();
      discardProfile(profile);
    },
  };
}
