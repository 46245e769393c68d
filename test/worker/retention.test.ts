/** Retention in an object that sleeps: its alarm is set for the next deletion. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { defineOrchestrator, systemHost, TaskHub } from "holdfast";
import { expect, test } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { ObjectAlarm } from "../../worker/object-alarm.ts";
import { objectHost } from "../../worker/object-host.ts";

const HOUR = 3_600_000;
const quick = defineOrchestrator("quick", () => "done");

test("the alarm of an object is set for the first instance that has been kept long enough", () =>
  runInDurableObject(env.TASK_HUBS.getByName("retention"), async (_, { storage }) => {
    const alarm = new ObjectAlarm({
      now: () => Date.now(),
      getAlarm: () => storage.getAlarm(),
      setAlarm: (atMs) => storage.setAlarm(atMs),
      delay: systemHost().delay,
      waitUntil: () => {},
      failed: (what) => expect.fail(what),
    });
    await alarm.prepare();
    const options = { store: new DurableObjectStore(storage), functions: [quick], host: objectHost(alarm) };
    const hub = await TaskHub.open({ ...options, retention: { completedMs: HOUR } });
    const first = await hub.waitForOrchestrationCompletion(await hub.scheduleNewOrchestration(quick));
    await hub.waitForOrchestrationCompletion(await hub.scheduleNewOrchestration(quick));
    await hub.close();
    // The turns' own watchdog comes first; the hub that it wakes sets the alarm for what is next.
    await storage.deleteAlarm();
    await alarm.prepare();
    const woken = await TaskHub.open({ ...options, retention: { completedMs: HOUR } });
    await expect.poll(() => storage.getAlarm()).toBe((first.completedAt as Date).getTime() + HOUR);
    await woken.close();
    await storage.deleteAlarm();
  }));
