/**
 * A process that has a hub of a SQLite file open: `node sqlite-process.ts FILE HUB WHEN_OPEN [USER]`. It says on its output what it does, one word
 * a line, and takes one command a line: `close`, or the id of an instance to start.
 */
import { createInterface } from "node:readline";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { defineOrchestrator } from "../../core/definition/definitions.ts";
import { TaskHub } from "../../core/hub/task-hub.ts";

const [path = "", name = "", whenOpen = "", user] = process.argv.slice(2);
if (user !== undefined) process.setuid?.(Number(user));
const note = defineOrchestrator("note", async (ctx) => ctx.instanceId);
console.log("opening");
try {
  const store = new SqliteStore({ path, whenOpen: whenOpen as "fence" | "wait" });
  const hub = await TaskHub.open({ name, store, functions: [note] });
  console.log("open");
  for await (const command of createInterface({ input: process.stdin })) {
    if (command === "close") break;
    await hub.scheduleNewOrchestration(note, undefined, { instanceId: command });
    console.log(command);
  }
  await hub.close();
  console.log("closed");
} catch (error) {
  console.log((error as { code?: string }).code ?? String(error));
}
