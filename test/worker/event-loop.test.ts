/**
 * Facts of workerd that decide how a hub in an object goes about its microtasks (core/hub/host.ts). When one of them changes, steps of async
 * orchestrators can become cheaper.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, inject, test } from "vitest";

/** Why an object is reset: workerd tells every reset on stderr, and the tool between leaves out those that begin so. */
const RESET = "Instance disposed of by the test";

type Wait = (state: DurableObjectState) => Promise<unknown>;

/** Ways to wait for something that needs no time. */
const WAITS: Readonly<Record<string, Wait>> = {
  "a body that is read": () => new Response("x").text(),
  "no body": () => new Response(null).text(),
  "a body that is cancelled": async () => new Response("x").body?.cancel(),
  "a stream of the runtime": () => {
    const { readable, writable } = new IdentityTransformStream();
    void writable.getWriter().write(new Uint8Array(1));
    return readable.getReader().read();
  },
  "a blob": () => new Blob(["x"]).text(),
  "a stream of a blob": () => new Blob(["x"]).stream().getReader().read(),
  "a digest": () => crypto.subtle.digest("SHA-256", new Uint8Array(1)),
  "a message to oneself": () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(null);
    }),
  "a timer": () => scheduler.wait(0),
  "a read of the storage": ({ storage }) => storage.get("nothing"),
  "the alarm": ({ storage }) => storage.getAlarm(),
  "the disk": ({ storage }) => storage.sync(),
  "an asynchronous transaction": ({ storage }) => storage.transaction(async () => {}),
  "a critical section": (state) => state.blockConcurrencyWhile(async () => {}),
};

const HOPS = 1_000;

/** True when the wait ends after a chain of microtasks that was begun before it. */
async function drains(wait: Wait, state: DurableObjectState): Promise<boolean> {
  let hops = 0;
  const chain = (async () => {
    for (; hops < HOPS; hops++) await Promise.resolve();
  })();
  await wait(state);
  const isDrained = hops === HOPS;
  await chain;
  return isDrained;
}

function objectOf(name: string): DurableObjectStub {
  return env.TASK_HUBS.getByName(name);
}

/** True when what was written before the wait is still there after the object has been reset behind it. */
async function commits(wait: Wait, name: string): Promise<boolean> {
  const reset = runInDurableObject(objectOf(name), async (_object, state) => {
    state.storage.sql.exec("CREATE TABLE written (row)");
    await wait(state);
    state.abort(RESET);
  });
  await expect(reset).rejects.toMatchObject({ durableObjectReset: true });
  return runInDurableObject(objectOf(name), (_object, { storage }) => isWritten(storage));
}

function isWritten({ sql }: DurableObjectStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'written'").toArray().length > 0;
}

describe("what lets the microtask queue run empty ends the storage transaction, and nothing else does", () => {
  test.for(Object.entries(WAITS))("%s", async ([name, wait]) => {
    const isDrained = await runInDurableObject(objectOf(`drain by ${name}`), (_object, state) => drains(wait, state));
    expect(await commits(wait, `commit by ${name}`)).toBe(isDrained);
  });

  test("the way that the hub takes is one of those that do", async () => {
    const wait = WAITS["a body that is read"] as Wait;
    expect(await runInDurableObject(objectOf("hub"), (_object, state) => drains(wait, state))).toBe(true);
  });
});

test("a request leaves an asynchronous transaction before its commit: no activity may run in one", async () => {
  const url = `http://${inject("loopback")}/count/explicit`;
  await runInDurableObject(objectOf("explicit"), async (_object, { storage }) => {
    const undone = storage.transaction(async () => {
      storage.sql.exec("CREATE TABLE written (row)");
      await (await fetch(url)).text();
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(isWritten(storage)).toBe(false);
  });
  expect(await (await fetch(`${url}?read`)).text()).toBe("1");
});

test("turns of the event loop that follow each other let no timer through, however long they take", async () => {
  let hasRung = false;
  await runInDurableObject(objectOf("busy"), async () => {
    setTimeout(() => (hasRung = true), 1);
    const untilMs = Date.now() + 100;
    while (Date.now() < untilMs) await new Response("x").text();
    expect(hasRung).toBe(false);
  });
});
