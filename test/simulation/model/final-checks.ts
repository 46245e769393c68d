/** What must be true when the faults are over and everything has come to rest. */
import { isDeepStrictEqual } from "node:util";
import type { OrchestrationState, Page, TaskHub } from "holdfast";
import type { InboxMessage, InstanceRecord } from "../../../core/store/contract.ts";
import type { ModelInstance } from "../../conformance/hub-model.ts";
import { type Program, type ProgramInput, WITHOUT_EFFECT } from "../programs/program.ts";
import type { Activities } from "../world/activities.ts";
import type { Violate } from "./invariants.ts";
import type { Generation, Ledger } from "./ledger.ts";
import { isMisfit } from "./lifecycle.ts";
import { decode, isFinal } from "./records.ts";
import { customStatusOf, differences } from "./reference.ts";

export interface FinalCheckPorts {
  readonly hub: TaskHub;
  readonly ledger: Ledger;
  /** The programs, as every deployment has them. */
  readonly deployments: readonly (readonly Program[])[];
  readonly activities: Activities;
  /** Lets everything happen that does not need time. */
  run(): Promise<void>;
  /** What the process of the hub was asked and has not answered. */
  readonly unanswered: readonly string[];
  readonly violate: Violate;
}

export async function finalChecks(ports: FinalCheckPorts): Promise<void> {
  checkRest(ports);
  for (const says of ports.unanswered) ports.violate("I33", `nobody has answered '${says}'`);
  for (const generation of ports.ledger.generations.values()) {
    checkGeneration(generation, ports);
    checkOutcomes(generation, ports);
    checkTags(generation, ports);
    checkParent(generation, ports);
    checkTaken(generation, ports);
  }
  checkJournals(ports);
  checkEvents(ports);
  checkCarried(ports);
  await checkShown(ports);
}

/** Nothing is left that would have to be done. */
function checkRest({ ledger, violate }: FinalCheckPorts): void {
  for (const [id, instance] of ledger.model.instances) {
    const { record, entity, timers } = instance;
    const inbox = instance.inbox.filter((message) => !isLateAnswer(message, instance));
    if (record && !isFinal(record)) violate("I33", `'${id}' of hub ${ledger.hub} is ${record.status}`);
    if (entity?.lockedBy) violate("I17", `'${id}' is still held by '${entity.lockedBy.instanceId}'`);
    if (inbox.length > 0) violate("I34", `'${id}' has messages left: ${inbox.map(({ event }) => event.type).join()}`);
    if (timers.length > 0) violate("I34", `'${id}' has timers left`);
  }
}

/** True for the answer to a call that an instance had not heard of when it failed: a rewind takes it. */
function isLateAnswer({ event, executionId }: InboxMessage, { record, turns }: ModelInstance): boolean {
  if (event.type !== "EntityOperationCompleted" && event.type !== "EntityOperationFailed") return false;
  const history = turns.flat();
  const of = history.filter((one) => "requestId" in one && one.requestId === event.requestId);
  return record?.status === "Failed" && executionId === record.executionId && of.length === 1;
}

function checkGeneration({ instanceId, record, history, isRewound }: Generation, ports: FinalCheckPorts): void {
  if (isRewound || !record.name.startsWith("p") || isMisfit(record)) return;
  const problems = ports.deployments.map((programs) => differences(programs, history, instanceId, decode));
  const fitting = ports.deployments[problems.findIndex(({ length }) => length === 0)];
  if (fitting) {
    const status = customStatusOf(fitting, history, instanceId, decode);
    const shown = decode(record.customStatus);
    if (shown !== status) ports.violate("I30", `'${instanceId}' shows the status ${String(shown)}, not ${status}`);
    return;
  }
  for (const problem of problems[0] ?? []) ports.violate("I29", `'${instanceId}' (${record.name}): ${problem}`);
}

/** An instance keeps the tags it was started with; what a call says of its child comes after what the parent says of itself. */
function checkTags({ instanceId, run, record }: Generation, { ledger, violate }: FinalCheckPorts): void {
  const { parent, tags } = record;
  const isStarted = run !== undefined && /^s\d+$/.test(run);
  if (isStarted && !isDeepStrictEqual(tags, { of: run, by: "a client" }))
    violate("I56", `'${instanceId}' was started as ${run}, and has the tags ${JSON.stringify(tags)}`);
  const caller = parent && ledger.generations.get(`${parent.instanceId} ${parent.executionId}`);
  const call = caller?.history.find(({ eventId }) => eventId === parent?.taskScheduledId);
  if (call?.type !== "SubOrchestrationInstanceCreated") return;
  if (!isDeepStrictEqual(tags, { ...caller?.record.tags, ...call.tags }))
    violate("I56", `'${instanceId}' has the tags ${JSON.stringify(tags)}`);
}

/** Who was called by a run is that run's child in all its generations, and nobody else is. */
function checkParent(generation: Generation, { ledger, violate }: FinalCheckPorts): void {
  const { instanceId, run = "", record, history } = generation;
  const started = history.find(({ type }) => type === "ExecutionStarted");
  if (started?.type === "ExecutionStarted" && !isDeepStrictEqual(started.parentInstance, record.parent))
    violate("I31", `'${instanceId}' was started by another than its parent`);
  // One that is restarted is nobody's child.
  if (ledger.copiesOf(run) > 1) return;
  const [, caller] = CALL.exec(run) ?? [];
  const parent = record.parent && ledger.generations.get(`${record.parent.instanceId} ${record.parent.executionId}`);
  // A parent that continues as new by the very commit that called it was never seen.
  const found = parent?.run ?? (record.parent && caller);
  if (found !== caller)
    violate("I31", `'${instanceId}' (run ${run}) is the child of ${found}, it should be of ${caller}`);
}

/** The run of a child: that of its parent, its generation, and the place of the call. */
const CALL = /^(.*)\.\d+#\d+$/;

/** An event with an id of its own counts once, also when it comes again in a later generation. */
function checkTaken({ instanceId, run, record }: Generation, { ledger, violate }: FinalCheckPorts): void {
  const seen = decode(record.status === "Completed" ? record.output : record.input) as ProgramInput | undefined;
  const taken = seen?.taken?.filter((id) => /^e\d+$/.test(id)) ?? [];
  if (run !== undefined && ledger.copiesOf(run) === 1 && new Set(taken).size < taken.length)
    violate("I37", `'${instanceId}' (run ${run}) took ${taken.join()}`);
}

/** Recorded outcomes of activities and children are their own. */
function checkOutcomes({ instanceId, executionId, history }: Generation, ports: FinalCheckPorts): void {
  const { ledger, activities, violate } = ports;
  for (const event of history) {
    if (event.type === "TaskCompleted")
      activities.checkOutcome(
        `${ledger.hub} ${instanceId} ${executionId} ${event.taskScheduledId}`,
        String(decode(event.result)),
      );
    else if (event.type === "TaskFailed")
      activities.checkFailure(
        `${ledger.hub} ${instanceId} ${executionId} ${event.taskScheduledId}`,
        event.failureDetails,
      );
    else if (event.type === "SubOrchestrationInstanceCompleted") {
      const children = [...ledger.generations.values()].filter(
        ({ record: { parent } }) =>
          parent?.instanceId === instanceId &&
          parent.executionId === executionId &&
          parent.taskScheduledId === event.taskScheduledId,
      );
      // A child that was replaced by the very commit that ended it was never seen to end; it may have failed before, and have been rewound.
      const ended = children.filter(({ record }) => isFinal(record));
      if (
        ended.length === children.length &&
        ended.length > 0 &&
        !ended.some(({ record }) => record.output === event.result)
      )
        violate("I31", `'${instanceId}' was told ${event.result} by the child ${event.taskScheduledId}`);
    }
  }
}

/** What was sent has taken effect. */
function checkJournals({ ledger, violate }: FinalCheckPorts): void {
  const { journals } = ledger;
  for (const promised of journals.promised) {
    const [entity = "", id = ""] = promised.split(" ");
    if (!journals.entries(entity).includes(id))
      violate("I35", `the signal ${id} to '${entity}' was acknowledged and is lost`);
  }
  for (const { history, instanceId } of ledger.generations.values())
    for (const event of history) {
      if (event.type !== "EntityOperationSignaled" && event.type !== "EntityOperationCalled") continue;
      const id = String(decode(event.input));
      // A run that takes place again may do something else under the same id.
      if (WITHOUT_EFFECT.has(event.operation)) continue;
      if (!journals.entries(event.targetInstanceId).includes(id))
        violate("I35", `the operation ${id} of '${instanceId}' on '${event.targetInstanceId}' is lost`);
    }
}

/** Every acknowledged event has reached the run it was for, unless that run, or its generation, did without what was left. */
function checkEvents({ ledger, deployments: [programs = []], violate }: FinalCheckPorts): void {
  for (const { instanceId, run, id } of ledger.promisedEvents) {
    const generations = [...ledger.generations.values()].filter(
      (one) => one.instanceId === instanceId && one.run === run,
    );
    const last = generations.at(-1);
    const program = programs[Number(last?.record.name.slice(1))];
    if (last?.record.status !== "Completed" || !program?.keepsEvents || ledger.copiesOf(run) > 1) continue;
    const isThere = generations.some(({ history, record }) => {
      const input = decode(record.input) as ProgramInput | undefined;
      return (
        input?.taken.includes(id) || history.some((event) => event.type === "EventRaised" && decode(event.input) === id)
      );
    });
    if (!isThere) violate("I35", `the event ${id} for '${instanceId}' (run ${run}) was acknowledged and is lost`);
  }
}

/** Events that nobody has taken reach the next generation in the order in which they came. */
function checkCarried({ ledger, violate }: FinalCheckPorts): void {
  const before = new Map<string, readonly string[]>();
  for (const { instanceId, run, history } of ledger.generations.values()) {
    if (run === undefined || ledger.copiesOf(run) > 1) continue;
    const key = `${instanceId} ${run}`;
    const ids = history.flatMap((event) => (event.type === "EventRaised" ? String(decode(event.input)) : []));
    // What is sent again by a sender that runs again is another event under the same id.
    const events = ids.filter((id) => ledger.copiesOf(id) === 1);
    const earlier = before.get(key)?.filter((id) => events.includes(id)) ?? [];
    const carried = events.filter((id) => earlier.includes(id));
    if (carried.join() !== earlier.join())
      violate("I58", `'${instanceId}' (run ${run}) was carried ${carried.join()}, which came as ${earlier.join()}`);
    before.set(key, events);
  }
}

/** Clients are shown what the store holds: everything once and in order, whatever the size of the pages. */
async function checkShown({ hub, ledger, run, violate }: FinalCheckPorts): Promise<void> {
  const shown: OrchestrationState[] = [];
  const ids: string[] = [];
  const listing = (async () => {
    for await (const state of hub.queryOrchestrations({ pageSize: 2 })) shown.push(state);
    for (let token: string | undefined = ""; token !== undefined; ) {
      const page: Page<string> = await hub.listInstanceIds({
        pageSize: 2,
        ...(token !== "" && { continuationToken: token }),
      });
      ids.push(...page.values);
      token = page.continuationToken;
    }
  })();
  let isDone = false;
  void listing.then(
    () => {
      isDone = true;
    },
    (error: unknown) => violate("I36", `a query failed: ${String(error)}`),
  );
  await run();
  if (!isDone) violate("I36", "a query is not answered");
  const records = [...ledger.model.instances.values()].flatMap(({ record }) => record ?? []);
  const wanted = records
    .sort(by(({ createdAtMs }) => createdAtMs))
    .map((record) => `${record.instanceId} ${record.status} ${record.output}`);
  const found = shown.map((state) => {
    const record = ledger.record(state.instanceId);
    const isSame = JSON.stringify(state.output) === JSON.stringify(decode(record?.output));
    return `${state.instanceId} ${state.runtimeStatus} ${isSame ? record?.output : JSON.stringify(state.output)}`;
  });
  if (wanted.join() !== found.join()) violate("I36", `a query gives ${found.join()}, the store has ${wanted.join()}`);
  const ended = records.sort(by(({ completedAtMs }) => completedAtMs ?? 0)).map(({ instanceId }) => instanceId);
  if (ended.join() !== ids.join()) violate("I36", `the ids listed are ${ids.join()}, the store has ${ended.join()}`);
}

/** In order of an instant, and of ids where it is the same. */
function by(instantOf: (record: InstanceRecord) => number): (a: InstanceRecord, b: InstanceRecord) => number {
  return (a, b) => instantOf(a) - instantOf(b) || (a.instanceId < b.instanceId ? -1 : 1);
}
