/**
 * The law of replay: what the live run interleaved, the replay interleaves the same way. Held against one seed at a time: its programs run live in
 * several environments, and everything that any execution of their code saw and decided is compared.
 *
 * L1. Executions of one generation that follow each other in a hub that drops instances see the same, turn by turn.
 * L2. A hub that drops its instances comes to the same as one that keeps them, where nothing depends on how long a turn takes ("solitary" seeds).
 * L3. Every history, and every part of it up to the end of a turn, replays: the same decisions in the same turns, with the same inputs, and exactly what the
 *     live run had seen by then.
 */
import { decodeEvents, encodeEvents, type HistoryEvent, type OrchestratorDefinition, systemHost } from "holdfast";
import { replayHistory } from "holdfast/testing";
import { Activities } from "./activities.ts";
import { isSolitary, MAIN, type Mode, type Recording, runLive } from "./environment.ts";
import { generatePrograms } from "./generate.ts";
import { type OpenHub, openHostedHub } from "./hosted.ts";
import { definitionsOf } from "./interpret.ts";
import type { Program } from "./program.ts";
import { Random } from "./random.ts";
import { type Execution, Recorder } from "./recorder.ts";

/** How much a trial has seen, so that a suite can tell whether it looked at anything. */
export interface Tally {
  /** Instances the test started that completed. */
  completed: number;
  turns: number;
  /** Live executions of code, those of instances that were dropped included. */
  executions: number;
  replays: number;
  observations: number;
}

/** The programs of a seed. */
export function programsOf(seed: string): readonly Program[] {
  return generatePrograms(new Random(seed).fork("programs"), isSolitary(seed));
}

/** The first difference that programs show, in words; `undefined` when the law holds. */
export async function differenceOf(
  programs: readonly Program[],
  seed: string,
  open: OpenHub,
  tally: Tally,
): Promise<string | undefined> {
  const other: Mode = isSolitary(seed) || new Random(seed).fork("mode").chance(0.6) ? "dropped" : "crashing";
  const kept = await runLive(programs, seed, "kept", open);
  const dropped = await runLive(programs, seed, other, open);
  for (const recording of [kept, dropped]) {
    const difference = brokenRule(recording) ?? inTurns(recording) ?? (await inReplays(programs, recording, tally));
    tally.executions += recording.recorder.executions.length;
    if (recording.states.some((state) => state.instanceId === MAIN && state.runtimeStatus === "Completed"))
      tally.completed++;
    if (difference !== undefined)
      return `${recording.mode}: ${difference}\nEnvironment:\n${recording.journal.join("\n")}`;
  }
  const isComparable = isSolitary(seed) && other === "dropped" && open === openHostedHub;
  const difference = isComparable ? between(kept, dropped) : undefined;
  return (
    difference &&
    `${difference}\nEnvironment (kept):\n${kept.journal.join("\n")}\nEnvironment (dropped):\n${dropped.journal.join("\n")}`
  );
}

/** Programs break no rule of orchestrators, but may wait for what never comes; no environment makes them differ from their histories. */
function brokenRule({ states, journal }: Recording): string | undefined {
  for (const { instanceId, failure } of states) {
    if (failure?.isCausedBy("NonDeterminismError") || failure?.properties?.code === "callOutsideTurn")
      return `'${instanceId}' failed: ${failure.errorMessage}`;
  }
  return journal.find((line) => line.startsWith("!"));
}

/** L1, and that an instance which is kept is never replayed. */
function inTurns({ mode, recorder }: Recording): string | undefined {
  for (const executions of recorder.byKey().values()) {
    if (mode === "kept" && executions.length > 1) return `'${executions[0]?.path}' was replayed while it was kept`;
    for (const [index, next] of executions.entries()) {
      const before = executions[index - 1];
      if (!before) continue;
      const replayed = next.log.slice(0, next.replayedCount);
      const difference = before.isInterrupted ? inCommon(before.log, replayed) : inLogs(before.log, replayed);
      if (difference) return `execution ${index + 1} of '${next.path}' differs from the one before: ${difference}`;
    }
  }
  return undefined;
}

/** L2: the same ends, and the same observations. Only of hubs that draw the same ids: random numbers depend on them. */
function between(kept: Recording, dropped: Recording): string | undefined {
  const [one, other] = [kept, dropped].map(({ states }) =>
    states.map(({ runtimeStatus, output, failure, customStatus, name }) =>
      JSON.stringify([name, runtimeStatus, output, failure?.errorMessage, customStatus]),
    ),
  ) as [string[], string[]];
  const [logs, others] = [kept, dropped].map(({ recorder }) =>
    [...recorder.byKey().values()].flatMap((executions) => {
      const { path, generation, log } = executions.at(-1) as Execution;
      return log.map((entry) => `${path}/${generation} ${entry}`);
    }),
  ) as [string[], string[]];
  const difference = inLogs(logs.sort(), others.sort()) ?? inLogs(one.sort(), other.sort());
  return difference && `the hub that drops instances comes to another end: ${difference}`;
}

/** L3. */
async function inReplays(
  programs: readonly Program[],
  recording: Recording,
  tally: Tally,
): Promise<string | undefined> {
  const live = recording.recorder.byKey();
  for (const generation of recording.generations.values()) {
    let seenBefore = 0;
    const history = decodeEvents(encodeEvents(generation.history));
    for (const end of turnEnds(history)) {
      tally.replays++;
      const replay = await replayOf(programs, generation.name, history.slice(0, end));
      if (typeof replay === "string") return replay;
      if (!replay) continue;
      const { key, log, path } = replay;
      const seen = live.get(key)?.at(-1);
      if (!seen) return `the replay of '${path}' has a stream of random numbers of its own`;
      const difference = inReplay(seen, log, generation.rests.get(end)?.get(key), seenBefore);
      if (difference)
        return `the replay of the first ${end} of ${history.length} events of '${path}' saw something else: ${difference}`;
      seenBefore = log.length;
    }
    tally.turns += turnEnds(history).length;
    tally.observations += seenBefore;
  }
  return undefined;
}

/** How the log of a replay differs from the beginning of what the live run saw; at a rest the two are known to be of one length. */
function inReplay(
  seen: Execution,
  log: readonly string[],
  restCount: number | undefined,
  seenBefore: number,
): string | undefined {
  if (log.length < seenBefore) return `only ${log.length} entries, ${seenBefore} a turn before`;
  return seen.isInterrupted ? inCommon(seen.log, log) : inLogs(seen.log.slice(0, restCount ?? log.length), log);
}

/** Number of events up to the end of each turn. */
function turnEnds(history: readonly HistoryEvent[]): number[] {
  const starts = history.flatMap((event, index) => (event.type === "OrchestratorStarted" && index > 0 ? [index] : []));
  return [...starts, history.length];
}

/** Replays a history, or the beginning of one: what its code saw, or how its decisions differ. */
async function replayOf(
  programs: readonly Program[],
  name: string,
  history: readonly HistoryEvent[],
): Promise<Execution | string | undefined> {
  const recorder = new Recorder();
  const functions = [...definitionsOf(programs, recorder), ...new Activities().definitions];
  const definition = functions.find((f) => f.kind === "orchestrator" && f.name === name) as OrchestratorDefinition;
  const warnings: string[] = [];
  const hear = (message: string): void => void warnings.push(message);
  const logger = { debug: hear, info: hear, warn: hear, error: hear };
  if (!history.some((event) => event.type === "ExecutionStarted")) return undefined;
  try {
    await replayHistory(definition, history, { functions, logger });
  } catch (error) {
    return `the replay of ${history.length} events of '${name}' differs: ${String(error)}\n${history.map(eventLine).join("\n")}`;
  }
  await new Promise<void>((resolve) => systemHost().afterMicrotasks(resolve));
  return warnings[0] ?? recorder.executions[0];
}

function eventLine(event: HistoryEvent, index: number): string {
  const { type, eventId, timestamp: _timestamp, ...rest } = event;
  return `  ${index} ${type} ${eventId >= 0 ? `#${eventId} ` : ""}${JSON.stringify(rest).slice(0, 160)}`;
}

/** The first line in which two logs differ, as far as both go. */
function inCommon(expected: readonly string[], actual: readonly string[]): string | undefined {
  const length = Math.min(expected.length, actual.length);
  return inLogs(expected.slice(0, length), actual.slice(0, length));
}

/** The first line in which two logs differ. */
function inLogs(expected: readonly string[], actual: readonly string[]): string | undefined {
  for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
    if (expected[index] === actual[index]) continue;
    const context = expected.slice(Math.max(0, index - 3), index).map((line) => `    … ${line}\n`);
    return `entry ${index + 1} of ${expected.length} should be\n${context.join("")}    ${expected[index] ?? "(the end)"}\n  and is\n    ${actual[index] ?? "(the end)"}`;
  }
  return undefined;
}
