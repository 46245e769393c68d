/**
 * Everything Durable Task has that Holdfast takes over, and what it adds: one row for each, with the tests that show it. A row without tests says
 * why it is outside of the engine, the client and testing.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Tests by file (below `test/`) and title, or a part of it. */
type Shown = readonly (readonly [file: string, title: string])[];
type Row = Shown | { readonly outside: string };

const FEATURES: Readonly<Record<string, Row>> = {
  // ---- what Durable Task has
  "typed calls of activities": [["core/types.test.ts", "by definition is a task of its output"]],
  "activity calls with tags and a version": [
    ["core/activities.test.ts", "has tags and a version in the history when the call gives them"],
  ],
  "sub-orchestrations with retries, tags, versions and ids": [
    ["scenarios/sub-orchestrations.ts", "keeps an id that was given when it is tried again"],
    ["scenarios/sub-orchestrations.ts", "inherits its parent's tags, and the tags of the call win"],
    ["scenarios/sub-orchestrations.ts", "takes the version of the call, and its definition's otherwise"],
  ],
  "timers, cancelled and long": [
    ["scenarios/timers.ts", "that is cancelled later never resumes the code, and cancelling uses no number"],
    ["scenarios/timers.ts", "fires at the instant it was given"],
  ],
  "events: buffered in order, without case, with timeouts, cancellable": [
    ["scenarios/events.ts", "that timed out or was given up takes no later event"],
    ["scenarios/events.ts", "of an instance for another reaches it, and one that is missing drops it"],
  ],
  "continueAsNew with carried-over events": [
    ["core/continue-as-new.test.ts", "that nobody took yet are carried over, in order"],
  ],
  "eternal orchestrations: fair, and bounded in memory": [
    ["scenarios/continue-as-new.ts", "takes turns with others, however many there are"],
    ["core/eternal-memory.test.ts", "holds on to no generation but the last"],
  ],
  "continueAsNew to a new version": [
    ["scenarios/versions.ts", "changes with continueAsNew's newVersion, and the new code runs"],
  ],
  sendEvent: [["scenarios/events.ts", "of an instance for another reaches it, and one that is missing drops it"]],
  "custom status": [["scenarios/custom-status.ts", "changes with every turn, and is seen between turns"]],
  "a log that is silent during replay": [
    ["core/logging.test.ts", "takes each line once, however often the code is replayed"],
  ],
  "deterministic ids and time": [
    ["scenarios/determinism.ts", "lets code pass that uses the context for all of it, with every kind of step"],
  ],
  "whenAll and whenAny": [
    ["scenarios/when-all-any.ts", "waits for all, and fails then with one AggregateError that tells of every failure"],
    ["scenarios/when-all-any.ts", "does not throw for a winner that failed until its result is read"],
  ],
  "retry policies": [
    ["scenarios/retries.ts", "waits longer each time, up to its bound, and gives up after its attempts"],
  ],
  "retry handlers: plain, asynchronous, with a delay": [
    ["core/retries.test.ts", "that says a duration has the call tried again after it"],
    ["core/retries.test.ts", "decides when its promise does"],
  ],
  "failure details: causes, properties, non-retriable": [
    [
      "core/async-codec.test.ts",
      "shows the store nothing of inputs, results, events, statuses, failures, states or heartbeats",
    ],
    ["core/types.test.ts", "types failures"],
    ["core/retries.test.ts", "is not asked about what cannot be tried again"],
  ],
  "suspend and resume": [
    ["scenarios/suspend-resume.ts", "keeps events until it is resumed, and takes them in order then"],
  ],
  "terminate, also recursive": [["scenarios/rewind.ts", "terminate every child, and theirs, after a restart as well"]],
  restart: [["scenarios/rewind.ts", "under its own id runs again with the same name, input, version and tags"]],
  "rewind, also recursive": [
    ["scenarios/rewind.ts", "does again what failed, and keeps the results of everything else"],
    ["scenarios/rewind.ts", "rewinds failed children too, at every depth"],
  ],
  "purge by id, by filter, recursive, with a timeout": [
    ["scenarios/rewind.ts", "purge every child, and theirs, and count them; without recursive only one"],
    ["scenarios/rewind.ts", "purge by criteria takes children along when it is recursive, and counts each once"],
    ["scenarios/purges.ts", "says when its time ran out before it was done"],
  ],
  "dedupe statuses": [["scenarios/starts.ts", "using an id again"]],
  "scheduled start": [["scenarios/starts.ts", "keeps the instance Pending until its time, and starts it then"]],
  "queries with filters and pages": [
    ["scenarios/queries.ts", "filters by each criterion, by all of them together, and includes its bounds"],
    ["scenarios/queries.ts", "gives pages whose tokens lead on, after a restart as well, with the filter"],
  ],
  "listing ids by completion": [
    ["scenarios/queries.ts", "gives finished instances in order of completion, filtered by status and instant"],
  ],
  "reading a history": [["core/history.test.ts", "describe("]],
  "entities: operations": [
    ["scenarios/entities.ts", "gives the operation's result, and the state stays for the next call"],
  ],
  "entities: operations dispatched by name, safely": [
    ["scenarios/entities.ts", "with an operation it does not have fails the call, however hostile the name"],
  ],
  "entities: scheduled signals": [
    ["scenarios/entities.ts", "a signal with a time is not delivered before it, whether a date or a duration"],
  ],
  "entities: starting orchestrations": [
    [
      "scenarios/entity-operations.ts",
      "start an orchestration without a parent, under an id that the operation knows at once",
    ],
  ],
  "entities: rollback of a failed operation": [
    ["scenarios/entity-operations.ts", "sends nothing of what it had sent, and starts nothing"],
  ],
  "entities: locks": [
    ["scenarios/locks.ts", "lets nobody else in between, and many take turns"],
    ["scenarios/locks.ts", "refuses what its rules forbid, at the call and with the rule, and goes on"],
    ["core/locks-fuzz.test.ts", "random critical sections never overlap, never deadlock and leave nothing locked"],
  ],
  "entities: query and clean": [
    ["scenarios/entity-storage.ts", "filters by prefix, with or without the @ and whatever the case of the name"],
    ["scenarios/entity-storage.ts", "finds nothing where entities clean up after themselves"],
  ],
  "versions: match and failure strategies": [["scenarios/versions.ts", "a hub that runs only some versions"]],
  "versions: several implementations of one name": [
    ["scenarios/versions.ts", "are found exactly, then without a version"],
  ],
  "work item filters": { outside: "A hub runs what it is opened with; there is no remote worker to filter work for." },
  "callHttp with polling": [
    ["scenarios/call-http.ts", "polls a 202 where and when its headers say, over a restart as well"],
    ["scenarios/call-http.ts", "keeps credentials within the origin, and the function key to the call itself"],
    ["worker/call-http.test.ts", "a job is started, redirected, polled and fetched"],
  ],
  "token sources of callHttp": {
    outside: "Managed identities are a service of one cloud; a header carries any token.",
  },
  "HTTP management API": [
    ["worker/management-api.test.ts", "describe("],
    ["worker/openapi.test.ts", "describe("],
  ],
  "gRPC sidecar server": { outside: "A protocol for remote workers, not the engine, the client or testing." },
  "OpenTelemetry spans": { outside: "Not part of the engine." },
  "large payloads": [["scenarios/payloads.ts", "describe("]],
  "scheduled tasks": [["core/schedules.test.ts", "starts its first run one interval after its creation"]],
  "export of histories": {
    outside:
      "Writing to blob storage is a task for an activity; a history is plain data that can be replayed elsewhere.",
  },
  retention: [
    [
      "scenarios/retention.ts",
      "deletes what has finished when its time is over, each status after its own, and nothing before",
    ],
  ],
  "testing host": [["core/test-task-hub.test.ts", "it("]],
  dashboard: { outside: "Part of the demo, not of the engine." },
  "lint rules": { outside: "The determinism check finds at run time what rules would look for." },
  middleware: { outside: "Handlers are plain functions; a wrapper around one does the same." },

  // ---- what it adds
  "async functions as orchestrators": [
    ["core/shapes.ts", "async function"],
    ["simulation/replay/law-suite.ts", "describe("],
  ],
  "types end to end": [
    ["core/types.test.ts", "does not compile with a wrong input"],
    ["core/types-entities.test.ts", "has a task for every operation"],
  ],
  "virtual time": [
    ["scenarios/patterns.ts", "human interaction takes the answer that comes in time, and escalates when none does"],
  ],
  "verifying a history by replaying it": [
    ["scenarios/patches.ts", "replayHistory"],
    ["scenarios/suspend-resume.ts", "replays to the same end, suspensions and all"],
  ],
  "non-determinism that parks instead of failing": [
    [
      "scenarios/determinism.ts",
      "parks the instance, with the reason in its state and the log, and leaves its history alone",
    ],
    ["scenarios/determinism.ts", "resumes by itself after reopening with code that fits, and has lost nothing"],
  ],
  "a check for determinism on the first run": [["scenarios/determinism.ts", "in a call's input on the first run"]],
  "patch markers": [
    ["scenarios/versions.ts", "lets old instances finish the old way and new ones go the new way, in one hub"],
  ],
  "activity timeouts": [
    ["core/activities-timeouts.test.ts", "fails an attempt that takes longer, at that instant and not before"],
    [
      "core/activities-timeouts.test.ts",
      "fails a call between two attempts at that instant, with the last failure as its cause",
    ],
    ["core/activities-timeouts.test.ts", "counts from the last heartbeat, with details or without"],
  ],
  "activity heartbeats": [["core/activities-heartbeats.test.ts", "are known to the attempt after a timeout"]],
  "activity cancellation": [
    ["core/activities.test.ts", "hears through its signal that its orchestration was terminated"],
    ["core/activities-cancellation.test.ts", "is recorded as failed by the turn that cancelled it"],
    ["core/activities-property.test.ts", "come to the same with crashes as without"],
  ],
  "cron schedules": [["core/schedules-cron.test.ts", "keeps its time of day when clocks change"]],
  "limits of concurrency, and fair queues": [
    ["core/activities.test.ts", "runs no more at once than the hub allows"],
    ["core/activities-queues.test.ts", "start first in first out, whatever activity they are of"],
    ["core/activities-queues.test.ts", "of a bounded activity hold up no other"],
  ],
  "activities that wait for the network": [
    [
      "core/activities-queues.test.ts",
      "waits while the host is offline, holds up no other, and starts in order on reconnect",
    ],
  ],
  priorities: { outside: "Queues are first in, first out by contract." },
  "queries and updates of running instances": {
    outside: "Custom status, events and entities serve both; there is no further call.",
  },
  "search attributes": [
    ["scenarios/queries.ts", "filters by each criterion, by all of them together, and includes its bounds"],
  ],
  "live instances kept in memory": [
    ["core/limits.test.ts", "go on when far more instances are live than the hub keeps in memory"],
  ],
  "web-standard core in every runtime": [["worker/scenarios.test.ts", "in a Durable Object"]],
  "an error that stops retries": [
    ["scenarios/retries.ts", "stops for what is not to be tried again, and goes on after what is"],
  ],
  "event ids for exactly once": [
    ["scenarios/events.ts", "counts once however often it is raised, and events without one count each time"],
    ["scenarios/events.ts", "counts once across generations"],
  ],
  "waits that can be given up": [["scenarios/events.ts", "that timed out or was given up takes no later event"]],
  "states pushed as they change": [
    ["scenarios/watches.ts", "begins with the state as it is, is told of changes, and ends after the last"],
  ],
  "codecs, also asynchronous ones": [
    ["core/scenarios.test.ts", "over an encrypting codec"],
    ["worker/async-codec.test.ts", "leaves no plaintext in any row, and gives all of it back after a restart"],
  ],
  "warnings before a history is too long": [
    [
      "scenarios/continue-as-new.ts",
      "is in the state once the history passes the limit, over a restart, and is logged once",
    ],
  ],
  "automatic continueAsNew": {
    outside: "Where a generation may end only its code can know; the warning asks for it in time.",
  },
};

const texts = new Map<string, string>();
function textOf(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  texts.set(file, text);
  return text;
}

describe("every feature is shown by tests that exist, or is outside for a reason:", () => {
  for (const [feature, row] of Object.entries(FEATURES)) {
    it(feature, () => {
      if ("outside" in row) {
        expect(row.outside.length).toBeGreaterThan(20);
        return;
      }
      expect(row.length).toBeGreaterThan(0);
      for (const [file, title] of row) expect(textOf(file).includes(title), `${file} has no '${title}'`).toBe(true);
    });
  }
});
