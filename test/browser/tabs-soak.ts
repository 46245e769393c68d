/**
 * Ten tabs opened, used and taken away at random for as long as wanted: `npm run tabs -- --minutes 5`.
 *
 *   --minutes <n>      how long (5)
 *   --seed <n>         the seed (now)
 *   --back-end <name>  LevelDB (the default) or SQLite
 */
import { parseArgs } from "node:util";
import { BACK_END_NAMES } from "./chromium.ts";
import { tabsRound } from "./tabs-round.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
    "back-end": { type: "string", default: "LevelDB" },
  },
});
const backEnd = BACK_END_NAMES.find((name) => name.toLowerCase() === values["back-end"].toLowerCase());
if (backEnd === undefined) throw new Error(`'--back-end' is one of ${BACK_END_NAMES.join(", ")}.`);
const seed = Number(values.seed);
console.log(`${backEnd}, seed ${seed}`);
const { faults, ...outcome } = await tabsRound({ backEnd, seed, ms: Number(values.minutes) * 60_000 });
console.log(outcome);
for (const fault of faults) console.log(`FAULT: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
