/**
 * Rounds of kills for as long as wanted: `npm run kills -- --minutes 10`. Each round is another seed.
 *
 *   --minutes <n>      how long (5)
 *   --seed <n>         the first seed (now)
 *   --back-end <name>  LevelDB or SQLite only
 */
import { parseArgs } from "node:util";
import { BACK_END_NAMES } from "./chromium.ts";
import { killRound } from "./kills.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
    "back-end": { type: "string" },
  },
});
const chosen = values["back-end"]?.toLowerCase();
const backEnds = BACK_END_NAMES.filter((name) => chosen === undefined || name.toLowerCase() === chosen);
if (backEnds.length === 0) throw new Error(`'--back-end' is one of ${BACK_END_NAMES.join(", ")}.`);

const endMs = Date.now() + Number(values.minutes) * 60_000;
const tally = { rounds: 0, wipes: 0, faults: 0, browsers: 0, pages: 0, acknowledgements: 0 };
for (let seed = Number(values.seed); Date.now() < endMs; seed++) {
  for (const backEnd of backEnds) {
    const { ledger, killed } = await killRound({ backEnd, seed, journeyCount: 200, killCount: 20 });
    const faults = ledger.wipe === undefined ? ledger.faults() : ledger.violations;
    const wipe = ledger.wipe === undefined ? "" : `; the browser wiped its data, and the store said so: ${ledger.wipe}`;
    const kills = `${killed.browsers} browsers and ${killed.pages} pages killed`;
    console.log(`${backEnd}, seed ${seed}: ${kills}, ${ledger.heardCount} acknowledgements${wipe}`);
    for (const fault of faults) console.log(`  FAULT: ${fault}`);
    tally.rounds++;
    tally.wipes += wipe === "" ? 0 : 1;
    tally.faults += faults.length;
    tally.browsers += killed.browsers;
    tally.pages += killed.pages;
    tally.acknowledgements += ledger.heardCount;
  }
}
console.log(tally);
if (tally.faults > 0) process.exitCode = 1;
