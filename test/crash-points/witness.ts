/** Sees which calls of activities are on record: those in commits that were acknowledged, and those that were read. */
import type { HistoryEvent, HubStore, InstanceChange } from "holdfast";
import { interposed } from "./interposed.ts";
import type { World } from "./world.ts";

/** The store, with the world as its witness. */
export function witnessed(store: HubStore, world: World): HubStore {
  const note = (instanceId: string, events: readonly HistoryEvent[]): void => {
    for (const event of events) if (event.type === "TaskScheduled") world.record(instanceId, event.eventId);
  };
  const see = (name: string, args: readonly unknown[], answer: unknown): void => {
    if (name === "history") note(args[0] as string, answer as readonly HistoryEvent[]);
    if (name !== "commit") return;
    for (const { instanceId, turns = [] } of args[0] as readonly InstanceChange[]) note(instanceId, turns.flat());
  };
  return {
    async open(hub) {
      return interposed(await store.open(hub), (name, perform, args) => {
        const answer = perform();
        if (!(answer instanceof Promise)) {
          see(name, args, answer);
          return answer;
        }
        return answer.then((value: unknown) => {
          see(name, args, value);
          return value;
        });
      });
    },
  };
}
