/**
 * Rounds of kills for as long as wanted: `npm run kills`. Each round is another seed, over a folder of its own.
 *
 *   --minutes <n>      how long (5)
 *   --runtime <name>   one of `RUNTIMES`, which may be given several times; all of them unless given
 *   --seed <n>         the first seed (the time)
 */
import { parseArgs } from "node:util";
import { buildIfStale } from "../bench/build.ts";
import type { Round } from "./kill-round.ts";
import { Runtime } from "./runtime.ts";
import { RUNTIMES } from "./runtimes.ts";

const LOAD: Omit<Round, "seed"> = { journeys: 300, orders: 42, kills: 25, parallel: 32 };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    runtime: { type: "string", multiple: true, default: Object.keys(RUNTIMES) },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
  },
});
const kinds = values.runtime.map((name) => {
  const kind = Object.entries(RUNTIMES).find(([known]) => known === name);
  if (!kind) throw new Error(`'--runtime' is one of ${Object.keys(RUNTIMES).join(", ")}; got '${name}'.`);
  return kind;
});
// The judge replays with the package as it is built.
buildIfStale();
const { killRound } = await import("./kill-round.ts");

const endMs = Date.now() + Number(values.minutes) * 60_000;
let killCount = 0;
for (let seed = Number(values.seed); Date.now() < endMs; seed++) {
  for (const [name, kind] of kinds) {
    const runtime = new Runtime(kind);
    try {
      await runtime.start();
      await killRound(runtime, { ...LOAD, seed });
      killCount += runtime.killCount;
      console.log(`${name}, seed ${seed}: ${runtime.killCount} kills, nothing lost, nothing twice`);
    } catch (error) {
      console.error(`${name}, seed ${seed}:`);
      throw error;
    } finally {
      await runtime.end();
    }
  }
}
console.log(`${killCount} kills.`);
