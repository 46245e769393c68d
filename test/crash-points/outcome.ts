/** What a store holds in the end, as lines of text in order, without what differs from run to run: instants, and ids made at random. */
import type { HistoryEvent, HubStore, StoreSession } from "holdfast";
import type { World } from "./world.ts";

/** Later than every timer. */
const END_OF_TIME_MS = 8_640_000_000_000_000;
/** Fields that differ from run to run. */
const CHANCE = /(AtMs|^timestamp|^fireAt|Timestamp|Time|^sequence|^stackTrace)$/;
const RANDOM_IDS = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/g;
const MARKS = /«(\d+|dead)»/g;

/** Reads everything there is in a hub's store. */
export async function contentOf(store: HubStore, hub: string): Promise<string[]> {
  const session = await store.open(hub);
  const lines = [
    ...(await instanceLines(session)),
    ...(await entityLines(session)),
    ...(await session.openInstances()).map((id) => `open: ${id}`),
    ...(await session.dueTimers(END_OF_TIME_MS, 1_000)).map((timer) => `timer: ${text(timer)}`),
  ];
  await session.close();
  return lines;
}

async function instanceLines(session: StoreSession): Promise<string[]> {
  const lines: string[] = [];
  for (const { record } of await session.query({ filter: {}, orderBy: "created", limit: 1_000 })) {
    lines.push(`${record.instanceId}: ${text(record)}`);
    for (const message of (await session.load(record.instanceId))?.inbox ?? [])
      lines.push(`${record.instanceId} has not taken ${text(message)}`);
    for (const event of await session.history(record.instanceId)) {
      if (isOutcome(event)) lines.push(`${record.instanceId} had ${text(event)}`);
      if (event.type === "TimerFired" && event.timestamp < event.fireAt)
        lines.push(`${record.instanceId} had its timer ${event.timerId} fire early`);
    }
  }
  return lines;
}

async function entityLines(session: StoreSession): Promise<string[]> {
  const entities = await session.queryEntities({ includesTransient: true, limit: 1_000 });
  return entities.map(({ entity, backlogSize }) => `${entity.instanceId}: ${text(entity)}, ${backlogSize} waiting`);
}

/** How many turns there were is chance; what happened in them is not. */
function isOutcome({ type }: HistoryEvent): boolean {
  return type !== "OrchestratorStarted";
}

/** JSON with the fields of each object in order: stores may give them back in another. */
function text(value: object): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (CHANCE.test(key)) return undefined;
    const isRecord = typeof part === "object" && part !== null && !Array.isArray(part);
    return isRecord ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part;
  });
}

/** The content without what chance chose. */
export function outcomeOf(content: readonly string[]): string[] {
  return content.map((line) => line.replace(RANDOM_IDS, "<id>").replace(MARKS, "«»")).sort();
}

/** What must never be, in words; there must be none. */
export function violations(content: readonly string[], world: World): string[] {
  const marks = new Map<string, Set<string>>();
  for (const [, mark = ""] of content.join("\n").matchAll(MARKS)) {
    const key = world.keys[Number(mark)] ?? "";
    marks.set(key, (marks.get(key) ?? new Set()).add(mark));
  }
  return [
    ...[...marks].filter(([, { size }]) => size > 1).map(([key]) => `two executions of ${key} have left their mark`),
    ...(marks.has("") ? ["a dead process has left its mark"] : []),
    ...world.complaints,
  ];
}
