/** From measurements to the table in the terminal. */
import type { Line } from "./lines.ts";
import type { Outcome } from "./run.ts";
import { median, spread } from "./statistics.ts";
import { count, stepsOf, titleOf } from "./workload.ts";

/** A measured line, as it is printed and as it stands in the JSON file. */
export interface Row {
  readonly suite: string;
  readonly work: string;
  readonly library: string;
  readonly code: string;
  readonly activities: string;
  readonly steps: number;
  /** Median time of a round. Of a line that was stopped: the time cap. */
  readonly medianMs?: number;
  readonly roundsMs?: readonly number[];
  readonly spread?: number;
  readonly stepsPerSecond?: number;
  /** Of the fastest round. */
  readonly bestStepsPerSecond?: number;
  /** Processor time of one step, over all rounds and threads. */
  readonly processorUsPerStep?: number;
  /** Cost of a step against the same code at 1,000 steps. */
  readonly growth?: number;
  readonly peakBytes?: number;
  readonly referenceMs?: number;
  readonly version?: string;
  /** Of a line that was stopped: the activities it had run. Its rate and its growth are bounds then. */
  readonly stoppedAt?: number;
  readonly note?: string;
}

/** What a line's outcome comes to. `baseline`: the row of the same code at 1,000 sequential steps. */
export function rowOf(line: Line, outcome: Outcome, baseline: Row | undefined): Row {
  const { suite, library, workload, variant } = line;
  const steps = stepsOf(workload);
  const row = { suite, work: titleOf(workload), library, code: variant.code, activities: variant.activities, steps };
  const isGrown = workload.kind === "sequential" && workload.steps !== baseline?.steps;
  switch (outcome.type) {
    case "measured": {
      const { roundsMs, processorMs, peakBytes, referenceMs, version } = outcome.measured;
      const medianMs = median(roundsMs);
      const processorUsPerStep = processorMs && (processorMs * 1_000) / (steps * roundsMs.length);
      const before = isGrown ? baseline?.processorUsPerStep : undefined;
      return {
        ...row,
        medianMs,
        roundsMs,
        spread: spread(roundsMs),
        stepsPerSecond: (steps / medianMs) * 1_000,
        bestStepsPerSecond: (steps / Math.min(...roundsMs)) * 1_000,
        ...(processorUsPerStep !== undefined && { processorUsPerStep }),
        ...(before !== undefined && processorUsPerStep !== undefined && { growth: processorUsPerStep / before }),
        ...(peakBytes !== undefined && { peakBytes }),
        referenceMs,
        ...(version !== undefined && { version }),
      };
    }
    case "capped": {
      const { capMs, activityRuns, phase } = outcome;
      const stopped = { ...row, medianMs: capMs, stoppedAt: phase === "running" ? activityRuns : 0 };
      if (phase !== "running") return { ...stopped, note: `stopped while ${phase}` };
      const note = `stopped at ${count(activityRuns)} of ${count(steps)}`;
      if (activityRuns === 0) return { ...stopped, note };
      const stepsPerSecond = (activityRuns / capMs) * 1_000;
      const before = isGrown ? baseline?.stepsPerSecond : undefined;
      return { ...stopped, stepsPerSecond, ...(before !== undefined && { growth: before / stepsPerSecond }), note };
    }
    case "failed":
      return { ...row, note: `FAILED: ${outcome.error.split("\n")[0]}` };
  }
}

/** The row that a line's growth is measured against, among those that there are. */
export function baselineOf(line: Line, rows: readonly Row[]): Row | undefined {
  const { suite, library, variant } = line;
  return rows.find(
    (row) =>
      row.suite === suite &&
      row.library === library &&
      row.code === variant.code &&
      row.activities === variant.activities &&
      row.steps === 1_000,
  );
}

interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
  cell(row: Row): string | undefined;
}

/** A column of numbers. Where a line was stopped, what is shown is a bound with that sign. */
function numbers(
  title: string,
  key: "medianMs" | "spread" | "stepsPerSecond" | "bestStepsPerSecond" | "processorUsPerStep" | "growth" | "peakBytes",
  text: (value: number) => string,
  sign = "",
): Column {
  return {
    title,
    isNumber: true,
    cell: (row) => {
      const value = row[key];
      return value === undefined ? undefined : `${row.stoppedAt === undefined ? "" : sign}${text(value)}`;
    },
  };
}

const COLUMNS: readonly Column[] = [
  { title: "store", cell: ({ suite }) => suite },
  { title: "work", cell: ({ work }) => work },
  { title: "library", cell: ({ library }) => library },
  { title: "code", cell: ({ code }) => code },
  { title: "activities", cell: ({ activities }) => activities },
  numbers("median", "medianMs", duration, "> "),
  numbers("±", "spread", (share) => `${Math.round(share * 100)} %`),
  numbers("activities/s", "stepsPerSecond", count, "< "),
  numbers("best", "bestStepsPerSecond", count),
  numbers("CPU/step", "processorUsPerStep", (us) => `${us.toFixed(1)} µs`),
  numbers("growth", "growth", (factor) => factor.toFixed(2), "> "),
  numbers("memory", "peakBytes", (bytes) => `${count(bytes / 2 ** 20)} MB`),
  { title: "note", cell: ({ note }) => note ?? "" },
];

/** How the columns are to be read. */
export const LEGEND: readonly string[] = [
  "median: of several rounds after a warm-up, ± the width of their middle half; best: the fastest round",
  "CPU/step: processor time of an activity, all threads; growth: that cost against 1,000 steps",
  "memory: highest resident size of the line's own process over that after loading, up to the end of its first full round",
];

/** The rows as aligned text, one block per store and work. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => COLUMNS.map(({ cell }) => cell(row) ?? "–"));
  const widths = COLUMNS.map(({ title }, at) => Math.max(title.length, ...cells.map((row) => row[at]?.length ?? 0)));
  const lineOf = (row: readonly string[]): string =>
    COLUMNS.map(({ isNumber }, at) => {
      const [cell, width] = [row[at] ?? "", widths[at] ?? 0];
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    })
      .join("  ")
      .trimEnd();
  const head = lineOf(COLUMNS.map(({ title }) => title));
  const body = cells.flatMap((row, at) => {
    const isNew = at > 0 && (rows[at - 1]?.suite !== rows[at]?.suite || rows[at - 1]?.work !== rows[at]?.work);
    return isNew ? ["", lineOf(row)] : [lineOf(row)];
  });
  return [head, widths.map((width) => "─".repeat(width)).join("──"), ...body].join("\n");
}

function duration(ms: number): string {
  if (ms < 1_000) return `${ms.toFixed(1)} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}
