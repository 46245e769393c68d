/** The demo's Worker: the HTTP surface of its task hubs. The page beside it is served as files. */
import { defineTaskHubWorker } from "holdfast/worker";
import { functions } from "./functions/index.ts";

const taskHubs = defineTaskHubWorker({ functions });

/** The Durable Object class that holds a task hub; `wrangler.toml` binds it as `TASK_HUBS`. */
export const TaskHubObject = taskHubs.TaskHubObject;
export default taskHubs;
