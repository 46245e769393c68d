/** The edge: task hubs in Durable Objects, managed over HTTP. */
import { createFront } from "./front.ts";
import { type TaskHubObjectClass, taskHubObjectClass } from "./object.ts";
import { settingsOf, type TaskHubWorkerOptions } from "./options.ts";

export type { TaskHubObjectClass, TaskHubWorkerOptions };

/** What a Worker's entry exports: itself as the default export, and `TaskHubObject` by name. */
export interface TaskHubWorker<Env> {
  readonly fetch: (request: Request, env: Env, ctx: ExecutionContext) => Promise<Response>;
  /** The Durable Object class; bind it as `TASK_HUBS`, and list it under `new_sqlite_classes`. */
  readonly TaskHubObject: TaskHubObjectClass<Env>;
}

/**
 * A Worker that hosts task hubs: any number of them, each in a Durable Object of its own, with the HTTP management API of Durable Functions
 * under `/runtime/webhooks/durabletask`.
 *
 * @example
 * const taskHubs = defineTaskHubWorker({ functions });
 * export const TaskHubObject = taskHubs.TaskHubObject;
 * export default taskHubs;
 *
 * @throws InvalidArgumentError for options that make no sense, two functions of one name and version among them.
 */
export function defineTaskHubWorker<Env extends object = object>(
  options: TaskHubWorkerOptions<Env>,
): TaskHubWorker<Env> {
  const settings = settingsOf(options);
  const front = createFront(settings);
  return {
    fetch: async (request, env, ctx) => front.fetch(request, env, ctx),
    TaskHubObject: taskHubObjectClass(settings),
  };
}
