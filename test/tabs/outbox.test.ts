import { describe, expect, it } from "vitest";
import { Outbox } from "../../adapters/indexeddb/tabs/outbox.ts";
import type { Request } from "../../adapters/indexeddb/tabs/protocol.ts";

describe("an outbox", () => {
  it("rejects a call whose error came in a form that cannot be read", async () => {
    const outbox: Outbox = new Outbox({ tab: "tab", now: () => 0, post: () => {} });
    outbox.sendAll(1);
    const call = outbox.call("getHistory", { id: "a" });
    outbox.answered({ term: 1, id: 1, outcome: { kind: "error", error: { kind: "other", value: "{" } } });
    await expect(call).rejects.toThrow();
  });

  it("rejects a call that cannot be sent, and sends the others", async () => {
    const sent: Request[] = [];
    const post = (request: Request): void => {
      if (request.id === 2) throw new Error("The channel is closed.");
      sent.push(request);
    };
    const outbox: Outbox = new Outbox({ tab: "tab", now: () => 0, post });
    const calls = ["a", "b", "c"].map((id) => outbox.call("resume", { id, reason: undefined }));
    const refused = expect(calls[1]).rejects.toThrow("The channel is closed.");
    outbox.sendAll(1);
    await refused;
    expect(sent.map(({ id }) => id)).toEqual([1, 3]);
    for (const { id } of sent) outbox.answered({ term: 1, id, outcome: { kind: "value", value: undefined } });
    // No number is missing that a leader would wait for.
    void outbox.call("resume", { id: "d", reason: undefined });
    expect(sent.at(-1)).toMatchObject({ place: 3, answeredBelow: 3 });
    await Promise.all([calls[0], calls[2]]);
  });
});
