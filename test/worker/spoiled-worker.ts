/** A Worker whose first commit fails when its turn of the event loop is over: long after the hub has gone on, and started an activity that sends a request. */
import { defineActivity, defineOrchestrator } from "holdfast";
import { defineTaskHubWorker } from "holdfast/worker";

let storage: DurableObjectStorage | undefined;
/** Outlives the object: its memory goes when the commit has failed, the isolate stays. */
let attempts = 0;

/** Breaks a promise that the database looks at when it commits, and not before. */
function spoilCommit(): void {
  storage?.sql.exec(`CREATE TABLE parents (id PRIMARY KEY); CREATE TABLE children (parent REFERENCES parents (id));
    PRAGMA defer_foreign_keys = ON; INSERT INTO children VALUES ('of none')`);
}

/** Sends a request, and does not wait for it. */
const tell = defineActivity("tell", (_ctx, url: string) => {
  const attempt = ++attempts;
  void fetch(`${url}/attempt-${attempt}`);
  if (attempt === 1) spoilCommit();
  return attempt;
});

const awaiting = defineOrchestrator("awaiting", async (ctx, url: string) => await ctx.callActivity(tell, url));
const yielding = defineOrchestrator("yielding", function* (ctx, url: string) {
  return yield* ctx.callActivity(tell, url);
});

const taskHubs = defineTaskHubWorker({ functions: [tell, awaiting, yielding] });

export class TaskHubObject extends taskHubs.TaskHubObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    storage = ctx.storage;
  }
}

export default taskHubs;
