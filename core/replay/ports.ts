import type { ActivityDefinition, OrchestratorDefinition } from "../definition/definitions.ts";
import type { DurableHttpRequest } from "../definition/http.ts";
import type { Logger } from "../logger.ts";
import type { SparseMap } from "../sparse-map.ts";
import type { HttpSending } from "./http-task.ts";

/** What all runs of a hub need from outside: the registered functions, the codec, a logger. All of it pure as far as replay can see. */
export interface RunPorts {
  readonly logger: Logger;
  orchestrator(name: string, version: string): OrchestratorDefinition | undefined;
  activity(name: string, version: string): ActivityDefinition | undefined;
  /** Stored text of a value. @throws PayloadError */
  encode(value: unknown): string;
  decode(text: string): unknown;
  /** Refuses a custom status that is too large. @throws PayloadError */
  encodeStatus(value: unknown): string;
  /** Checks a call's input against the callee's schema; gives what the schema made of it. @throws ValidationError */
  checkInput(definition: ActivityDefinition | OrchestratorDefinition | undefined, input: unknown): unknown;
  /** Checks a request and brings it into one form. @throws InvalidArgumentError */
  httpRequest(request: DurableHttpRequest): HttpSending;
  /** Checks and encodes an orchestrator's result. A promise when the schema answers with one. @throws ValidationError, PayloadError */
  encodeOutput(
    definition: OrchestratorDefinition | undefined,
    value: unknown,
  ): string | undefined | Promise<string | undefined>;
}

/** What is one run's own. */
export interface RunOptions {
  readonly instanceId: string;
  /** Another input than the recorded one is a mismatch, not just a warning. */
  readonly isStrict: boolean;
  /** Where in user code steps were taken, by sequence id: noted by a live run for the strict run that follows. */
  readonly callSites?: SparseMap<number, string> | undefined;
  /** Told when user code broke a rule between turns: the instance needs a turn to fail in. */
  onViolation(): void;
}
