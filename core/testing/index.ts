/** Tools for tests: a hub on virtual time, and the check of a stored history against today's code. */
export { type ReplayHistoryOptions, replayHistory } from "./replay-history.ts";
export { TestTaskHub, type TestTaskHubOptions } from "./test-task-hub.ts";
