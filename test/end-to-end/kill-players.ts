/** Everything that is killed, and how one round of it is played. */
import { BACK_END_NAMES } from "../browser/chromium.ts";
import * as chromium from "../browser/kills.ts";
import { killRound, type Round } from "./kill-round.ts";
import { Runtime } from "./runtime.ts";
import { RUNTIMES, type RuntimeKind } from "./runtimes.ts";

/** Plays the round of a seed, and tells what there was to survive. @throws Error for whatever was lost or doubled */
export type Player = (seed: number) => Promise<string>;

const LOAD: Omit<Round, "seed"> = { journeys: 300, orders: 42, kills: 25, parallel: 32 };
const CHROMIUM_LOAD = { journeyCount: 200, killCount: 20 } as const;

function processPlayer(kind: RuntimeKind): Player {
  return async (seed) => {
    const runtime = new Runtime(kind);
    try {
      await runtime.start();
      await killRound(runtime, { ...LOAD, seed });
      return `${runtime.killCount} kills`;
    } finally {
      await runtime.end();
    }
  };
}

function chromiumPlayer(backEnd: (typeof BACK_END_NAMES)[number]): Player {
  return async (seed) => {
    const { ledger, killed } = await chromium.killRound({ backEnd, seed, ...CHROMIUM_LOAD });
    const faults = ledger.wipe === undefined ? ledger.faults() : ledger.violations;
    if (faults.length > 0) throw new Error(faults.join("\n"));
    const wipe = ledger.wipe === undefined ? "" : `; the browser wiped its data, and the store said so: ${ledger.wipe}`;
    return `${killed.browsers} browsers and ${killed.pages} pages killed${wipe}`;
  };
}

/** By name, as `npm run kills -- --runtime` takes it. */
export const PLAYERS: Readonly<Record<string, Player>> = {
  ...Object.fromEntries(Object.entries(RUNTIMES).map(([name, kind]) => [name, processPlayer(kind)])),
  ...Object.fromEntries(BACK_END_NAMES.map((name) => [`chromium-${name.toLowerCase()}`, chromiumPlayer(name)])),
};
