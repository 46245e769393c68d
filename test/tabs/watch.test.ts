import { describe, expect, it } from "vitest";
import { WATCH_SEEN_MAX } from "../../adapters/indexeddb/tabs/bounds.ts";
import { Outbox } from "../../adapters/indexeddb/tabs/outbox.ts";
import type { Request, WatchBatch } from "../../adapters/indexeddb/tabs/protocol.ts";
import { watch } from "../../adapters/indexeddb/tabs/watch.ts";
import type { WireState } from "../../adapters/indexeddb/tabs/wire.ts";

function stateOf(instanceId: string): WireState {
  const at = new Date(0);
  return {
    instanceId,
    name: "greet",
    version: "",
    runtimeStatus: "Running",
    createdAt: at,
    lastUpdatedAt: at,
    payloads: {},
  } as unknown as WireState;
}

/** An outbox whose leader gives the batches one after the other. */
function answering(batches: readonly WatchBatch[]): Outbox {
  const rest = [...batches];
  const post = ({ id, call }: Request): void => {
    const value = call.name === "watchNext" ? rest.shift() : undefined;
    queueMicrotask(() => outbox.answered({ term: 1, id, outcome: { kind: "value", value } }));
  };
  const outbox: Outbox = new Outbox({ tab: "tab", now: () => 0, post });
  outbox.sendAll(1);
  return outbox;
}

describe("a watch of many", () => {
  it("remembers a bounded number of instances, those that it saw last", async () => {
    const states = Array.from({ length: WATCH_SEEN_MAX + 1 }, (_, index) => stateOf(`${index}`));
    const again = [states[0], states.at(-1), stateOf("new")] as WireState[];
    const outbox = answering([
      { kind: "states", states, isEnd: false },
      { kind: "restart" },
      { kind: "states", states: again, isEnd: true },
    ]);
    const given: string[] = [];
    const ports = { outbox, newId: () => "watch" };
    for await (const { instanceId } of watch({ kind: "many", query: {} }, ports)) given.push(instanceId);
    expect(given.slice(states.length)).toEqual(["0", "new"]);
  });
});
