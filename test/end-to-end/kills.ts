/**
 * Rounds of kills for as long as wanted: `npm run kills`. Each round is another seed, over data of its own.
 *
 *   --minutes <n>      how long (5)
 *   --runtime <name>   node-full, node-normal, workerd, chromium-leveldb or chromium-sqlite; several times for several; all unless given
 *   --seed <n>         the first seed (the time)
 */
import { parseArgs } from "node:util";
import { buildIfStale } from "../bench/build.ts";

// The package is judged as it is built.
buildIfStale();
const { PLAYERS } = await import("./kill-players.ts");

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    runtime: { type: "string", multiple: true, default: Object.keys(PLAYERS) },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1_000)) },
  },
});
for (const name of values.runtime)
  if (!PLAYERS[name]) throw new Error(`'--runtime' is one of ${Object.keys(PLAYERS).join(", ")}; got '${name}'.`);

const endMs = Date.now() + Number(values.minutes) * 60_000;
const faulty: string[] = [];
for (let seed = Number(values.seed); Date.now() < endMs; seed++) {
  for (const name of values.runtime) {
    try {
      console.log(`${name}, seed ${seed}: ${await PLAYERS[name]?.(seed)}`);
    } catch (error) {
      faulty.push(`${name}, seed ${seed}`);
      console.error(`FAULT: ${name}, seed ${seed}:`, error);
    }
  }
}
console.log(faulty.length === 0 ? "Nothing was lost, nothing happened twice." : `Faults: ${faulty.join("; ")}.`);
if (faulty.length > 0) process.exitCode = 1;
