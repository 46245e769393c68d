/** The catalogue of errors: every one is known by its code, and carries its name with it. */
import * as holdfast from "holdfast";
import { describe, expect, it } from "vitest";
import { errorOf, openHub, run } from "./running.ts";

const failure = { errorType: "X", errorMessage: "x", isCausedBy: () => false } as unknown as holdfast.FailureDetails;

const catalogue: [string, string, Error & { code: string }][] = [
  ["TaskFailedError", "taskFailed", new holdfast.TaskFailedError("x", failure)],
  ["NonRetriableError", "nonRetriable", new holdfast.NonRetriableError("x")],
  ["NonDeterminismError", "nonDeterminism", new holdfast.NonDeterminismError("x", { recorded: "a", taken: "b" })],
  ["TimeoutError", "timeout", new holdfast.TimeoutError("x")],
  ["OrchestrationFailedError", "orchestrationFailed", new holdfast.OrchestrationFailedError("x", failure)],
  [
    "OrchestrationAlreadyExistsError",
    "orchestrationAlreadyExists",
    new holdfast.OrchestrationAlreadyExistsError("i", "Running"),
  ],
  ["InstanceNotFoundError", "instanceNotFound", new holdfast.InstanceNotFoundError("i")],
  ["InvalidInstanceIdError", "invalidInstanceId", new holdfast.InvalidInstanceIdError("x")],
  ["FunctionNotRegisteredError", "functionNotRegistered", new holdfast.FunctionNotRegisteredError("activity", "f")],
  [
    "EntityOperationFailedError",
    "entityOperationFailed",
    new holdfast.EntityOperationFailedError("@a@b", "op", failure),
  ],
  ["LockingRulesViolationError", "lockingRulesViolation", new holdfast.LockingRulesViolationError("x")],
  ["PayloadError", "payload", new holdfast.PayloadError("x", { path: "$" })],
  ["HubFencedError", "hubFenced", new holdfast.HubFencedError("h")],
  ["HubClosedError", "hubClosed", new holdfast.HubClosedError("h")],
  ["InstanceNotRunningError", "instanceNotRunning", new holdfast.InstanceNotRunningError("i", "Completed")],
  ["InvalidInstanceStateError", "invalidInstanceState", new holdfast.InvalidInstanceStateError("x")],
  ["ValidationError", "validation", new holdfast.ValidationError("x", [])],
  ["TaskCanceledError", "taskCanceled", new holdfast.TaskCanceledError("x")],
  ["StoreError", "storeFull", new holdfast.StoreError("storeFull", "x")],
  [
    "StorageLostError",
    "storageLost",
    new holdfast.StorageLostError({ hub: "h", databaseName: "d", createdAtMs: 1_000, reason: "x." }),
  ],
  ["OrchestratorRuleError", "foreignAwait", new holdfast.OrchestratorRuleError("foreignAwait", "x")],
];

describe("every error", () => {
  it.each(catalogue)("%s has its class's name and the code %s", (name, code, error) => {
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf((holdfast as unknown as Record<string, new () => Error>)[name]);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(error.message).not.toBe("");
    expect(String(error)).toBe(`${name}: ${error.message}`);
  });

  it("has a code that no other kind of error has", () => {
    const codes = catalogue.map(([, code]) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("of a failed entity operation is a failed task, too", () => {
    expect(new holdfast.EntityOperationFailedError("@a@b", "op", failure)).toBeInstanceOf(holdfast.TaskFailedError);
  });
});

describe("the messages of errors", () => {
  const quick = holdfast.defineOrchestrator("quick", () => 1);

  it("quote the id they are about, and say what to do next", async () => {
    const hub = await openHub([quick]);
    await run(hub, quick, undefined, { instanceId: "done-1" });
    const errors = [
      await errorOf(() => hub.terminateOrchestration("nobody-1")),
      await errorOf(() => hub.terminateOrchestration("done-1")),
      await errorOf(() => hub.scheduleNewOrchestration("unknown-1")),
      await errorOf(() => hub.scheduleNewOrchestration(quick, undefined, { instanceId: "bad/1" })),
    ];
    const subjects = ["nobody-1", "done-1", "unknown-1", "bad/1"];
    for (const [at, error] of errors.entries()) {
      expect(error.message).toContain(`'${subjects[at]}'`);
      expect(error.message.length).toBeGreaterThan(40);
    }
  });

  it("name the hub that was closed or taken over", async () => {
    const store = new holdfast.MemoryStore();
    const first = await openHub([quick], { name: "orders-1", store });
    await openHub([quick], { name: "orders-1", store });
    expect((await errorOf(() => first.getOrchestrationState("i"))).message).toContain("orders-1");
  });
});
