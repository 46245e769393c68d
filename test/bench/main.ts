/** The benchmark: `npm run bench`. Every line is measured in a process of its own, one after the other; see lines.ts for what there is. */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { buildIfStale } from "./build.ts";
import { linesWith } from "./lines.ts";
import { type Effort, measureLine } from "./measure.ts";
import { hottest } from "./profile.ts";
import { runLine } from "./run.ts";
import { median, spread } from "./statistics.ts";
import { baselineOf, LEGEND, type Row, rowOf, tableOf } from "./table.ts";

interface Settings {
  readonly effort: Effort;
  readonly capMs: number;
}

const FULL: Settings = {
  effort: { roundsMin: 5, roundsMax: 100, measureMs: 3_000, measureMsMax: 40_000, warmUpMs: 1_500 },
  capMs: 60_000,
};
const QUICK: Settings = {
  effort: { roundsMin: 3, roundsMax: 30, measureMs: 700, measureMsMax: 5_000, warmUpMs: 500 },
  capMs: 10_000,
};

interface Options {
  readonly only: readonly string[];
  readonly jsonPath: string | undefined;
  readonly profileFolder: string | undefined;
  readonly settings: Settings;
}

async function measureAll({ only, profileFolder, settings }: Options): Promise<Row[]> {
  const lines = linesWith(only);
  if (lines.length === 0) throw new Error(`No line holds ${only.map((text) => `'${text}'`).join(" and ")}.`);
  if (profileFolder) mkdirSync(profileFolder, { recursive: true });
  const rows: Row[] = [];
  for (const [at, line] of lines.entries()) {
    progress(`${at + 1}/${lines.length}  ${line.id}`);
    const name = `${line.id.replaceAll(/[^\w,]+/g, "-")}.cpuprofile`;
    const profilePath = profileFolder === undefined ? {} : { profilePath: { folder: profileFolder, name } };
    const outcome = await runLine(line, { ...settings, ...profilePath });
    rows.push(rowOf(line, outcome, baselineOf(line, rows)));
    if (outcome.type === "failed") {
      process.exitCode = 1;
      console.error(`\n${line.id}: ${outcome.error}`);
    } else if (profileFolder) console.error(`\n${hottest(profileFolder, name)}`);
  }
  progress("");
  return rows;
}

/** Says what is going on: on a terminal in one line that changes. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text !== "") console.error(text);
}

/** What was measured, on what, and how steady the machine was. */
function footOf(rows: readonly Row[]): string {
  const versions = [...new Set(rows.flatMap(({ version }) => version ?? []))];
  const references = rows.flatMap(({ referenceMs }) => referenceMs ?? []);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`;
  const noise =
    references.length === 0
      ? ""
      : `; the same arithmetic took ${median(references).toFixed(1)} ms in every process, ± ${Math.round(spread(references) * 100)} %, at worst ${Math.max(...references).toFixed(1)} ms`;
  return [`node ${process.versions.node}; ${versions.join(", ")}`, `${machine}${noise}`, ...LEGEND].join("\n");
}

const HELP = `Measures Holdfast beside its peers and beside what the machine can do.

  npm run bench -- [choices]

  --only <text>    only lines that hold this text; may be given several times: --only Holdfast --only fan-out
  --quick          fewer rounds and a shorter time cap, for a first look
  --json <file>    the figures as JSON too
  --profile <dir>  V8's CPU profile of every line too, and where its time goes

The lines:
`;

async function main(options: Options): Promise<void> {
  buildIfStale();
  const rows = await measureAll(options);
  console.log(`${tableOf(rows)}\n\n${footOf(rows)}`);
  if (options.jsonPath === undefined) return;
  const machine = { node: process.versions.node, processor: cpus()[0]?.model, cores: cpus().length };
  const result = { measuredAt: new Date().toISOString(), machine, settings: options.settings, rows };
  writeFileSync(options.jsonPath, `${JSON.stringify(result, undefined, 2)}\n`);
}

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
    // What the process of one line is told.
    line: { type: "string" },
    effort: { type: "string" },
  },
});
if (values.line !== undefined && values.effort !== undefined)
  await measureLine(values.line, JSON.parse(values.effort) as Effort);
else if (values.help) console.log(`${HELP}${[...linesWith(values.only)].map(({ id }) => `  ${id}`).join("\n")}`);
else {
  const { only, json: jsonPath, profile: profileFolder } = values;
  await main({ only, jsonPath, profileFolder, settings: values.quick ? QUICK : FULL });
}
