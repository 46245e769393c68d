/** What the memory store's work grows with. What it holds is the business of the conformance suite. */
import { type InboxMessage, type InstanceRecord, MemoryStore } from "holdfast";
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

it("finds what finished first with the same work however much is kept, while old ones go and new ones come", () => {
  const session = new MemoryStore().open("default");
  let lookCount = 0;
  const finished = (n: number): InstanceRecord => ({
    instanceId: `i${n}`,
    executionId: `e${n}`,
    name: "quick",
    version: "",
    createdAtMs: n,
    get completedAtMs() {
      lookCount++;
      return n;
    },
    get status() {
      lookCount++;
      return "Completed" as const;
    },
    tags: {},
    isBusy: false,
  });
  const count = 3_000;
  for (let n = 0; n < count; n++) session.commit([{ instanceId: `i${n}`, atMs: n, record: finished(n) }]);
  for (let n = 0; n < count; n++) {
    const [first] = session.query({ filter: { statuses: ["Completed"] }, orderBy: "completed", limit: 1 });
    expect(first?.record.instanceId).toBe(`i${n}`);
    const late = count + n;
    session.commit([{ instanceId: `i${n}`, atMs: late, isPurge: true }]);
    session.commit([{ instanceId: `i${late}`, atMs: late, record: finished(late) }]);
  }
  expect(lookCount).toBeLessThanOrEqual(20 * count);
  const left = session.query({ filter: {}, orderBy: "completed", limit: 2 * count });
  expect(left.map(({ record }) => record.instanceId)).toEqual(Array.from({ length: count }, (_, n) => `i${count + n}`));
});
