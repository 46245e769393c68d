/** One round of kills: journeys over IndexedDB in a page, which is crashed, or killed with its whole browser, at random moments of one seed. */

import { numbers } from "../end-to-end/numbers.ts";
import { Browser, crash, discardProfile, newProfile } from "./browser.ts";
import type { BackEnd } from "./chromium.ts";
import { Ledger, type Said } from "./ledger.ts";
import { PageServer } from "./page-server.ts";

export interface RoundOptions {
  readonly backEnd: BackEnd;
  readonly seed: number;
  readonly journeyCount: number;
  readonly killCount: number;
}

/** How a round ended: all journeys are over, or the browser has wiped its data and the store has noticed (`ledger.wipe`). */
export interface RoundOutcome {
  readonly ledger: Ledger;
  readonly killed: { readonly browsers: number; readonly pages: number };
}

/** Plays one round on a new profile. */
export async function killRound({ backEnd, seed, journeyCount, killCount }: RoundOptions): Promise<RoundOutcome> {
  const random = numbers(seed);
  const ledger = new Ledger(journeyCount);
  await using server = await PageServer.start(["kills"], (said) => ledger.hear(said as Said));
  const profile = newProfile();
  const killed = { browsers: 0, pages: 0 };
  let browser: Browser | undefined;
  try {
    const perKill = Math.ceil((3 * journeyCount) / killCount);
    while (!ledger.isOver) {
      browser ??= await Browser.start(profile, backEnd);
      const isLast = killed.browsers + killed.pages === killCount;
      const target = isLast ? Number.POSITIVE_INFINITY : ledger.heardCount + 1 + random(2 * perKill - 1);
      const page = await browser.open(`${server.origin}/kills`);
      await ledger.heard(target);
      if (ledger.isOver) break;
      if (random(3) > 0) {
        await crash(page);
        killed.pages++;
      } else {
        await browser.kill();
        browser = undefined;
        killed.browsers++;
      }
    }
    await browser?.close();
    browser = undefined;
    return { ledger, killed };
  } finally {
    await browser?.kill();
    discardProfile(profile);
  }
}
