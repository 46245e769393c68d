/** Scenarios: what a client does, in steps that it repeats until they are acknowledged. Time is virtual. */
import type { Duration, FunctionDefinition, OrchestratorDefinition, StartOrchestrationOptions } from "holdfast";
import type { TestTaskHub } from "holdfast/testing";
import type { World } from "./world.ts";

/** One step. Doing it twice comes to the same as doing it once. */
export type Step = (hub: TestTaskHub, world: World) => Promise<unknown>;

export interface Scenario {
  readonly name: string;
  readonly functions: readonly FunctionDefinition[];
  readonly steps: readonly Step[];
}

/** A step that may be refused with a code when it has been done before. */
function unless(code: string, step: Step): Step {
  return (hub, world) =>
    step(hub, world).catch((error: Error & { code?: string }) => {
      if (error.code !== code) throw error;
    });
}

/** Starts an instance, unless it is there already. */
export function start<TInput>(
  orchestrator: OrchestratorDefinition<TInput, unknown>,
  instanceId: string,
  input?: TInput,
  options: StartOrchestrationOptions = {
    dedupeStatuses: ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"],
  },
): Step {
  return unless("orchestrationAlreadyExists", (hub) =>
    hub.scheduleNewOrchestration(orchestrator.name, input, { ...options, instanceId }),
  );
}

/** Raises an event, unless the instance has taken it and is done. */
export function raise(instanceId: string, name: string, data: string | number): Step {
  return unless("instanceNotRunning", (hub) =>
    hub.raiseOrchestrationEvent(instanceId, name, data, { eventId: `${name} ${data}` }),
  );
}

/** Ends an instance, unless it has ended. */
export function terminate(instanceId: string): Step {
  return unless("instanceNotRunning", (hub) => hub.terminateOrchestration(instanceId, { recursive: true }));
}

/** Holds an instance; holding it twice does nothing. */
export function suspend(instanceId: string): Step {
  return (hub) => hub.suspendOrchestration(instanceId, "a break");
}

/** Lets a held instance go on, unless it has gone on to its end. */
export function resume(instanceId: string): Step {
  return unless("instanceNotRunning", (hub) => hub.resumeOrchestration(instanceId, "go on"));
}

/** Lets a failed instance go on, now that the world is repaired, unless it goes on already. */
export function repairAndRewind(instanceId: string): Step {
  return unless("invalidInstanceState", (hub, world) => {
    world.isRepaired = true;
    return hub.rewindOrchestration(instanceId, "repaired");
  });
}

/** Starts an instance again under another id, unless that is there already. */
export function restart(instanceId: string, newInstanceId: string): Step {
  return unless("orchestrationAlreadyExists", (hub) => hub.restartOrchestration(instanceId, { newInstanceId }));
}

/** Lets time pass, and everything happen that falls due. */
export function pass(duration: Duration): Step {
  return (hub) => hub.advance(duration);
}
