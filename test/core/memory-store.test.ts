/** What the memory store's work grows with. What it holds is the business of the conformance suite. */
import { type InboxMessage, MemoryStore } from "holdfast";
import { expect, it } from "vitest";

it("adds and takes a message with the same work however many wait beside it", () => {
  const session = new MemoryStore().open("default");
  let lookCount = 0;
  const message = (sequence: number): InboxMessage => ({
    get sequence() {
      lookCount++;
      return sequence;
    },
    event: { type: "EventRaised", eventId: -1, timestamp: new Date(0), name: "go" },
  });
  const count = 2_000;
  for (let n = 0; n < count; n++) session.commit([{ instanceId: "i", atMs: n, inboxAdded: [message(n)] }]);
  for (let n = 0; n < count - 1; n++) session.commit([{ instanceId: "i", atMs: n, inboxRemoved: [n] }]);
  expect(lookCount).toBeLessThanOrEqual(4 * count);
  expect(session.load("i")?.inbox.map(({ sequence }) => sequence)).toEqual([count - 1]);
});
