/** The scenarios of the programming model, on virtual time inside a Durable Object: the same files that run in Node over memory (../core). */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { callHttpScenarios } from "../scenarios/call-http.ts";
import { BETWEEN_STEPS_AT_ONCE, continueAsNewScenarios } from "../scenarios/continue-as-new.ts";
import { customStatusScenarios } from "../scenarios/custom-status.ts";
import { determinismCheckScenarios, suspensionScenarios } from "../scenarios/determinism.ts";
import { entityCallScenarios } from "../scenarios/entities.ts";
import { entityOperationScenarios } from "../scenarios/entity-operations.ts";
import { entityStorageScenarios } from "../scenarios/entity-storage.ts";
import { eventScenarios } from "../scenarios/events.ts";
import { failureScenarios } from "../scenarios/failures.ts";
import { lockScenarios } from "../scenarios/locks.ts";
import { patchScenarios } from "../scenarios/patches.ts";
import { patternScenarios } from "../scenarios/patterns.ts";
import { payloadScenarios } from "../scenarios/payloads.ts";
import { playIn, type Scenario } from "../scenarios/place.ts";
import { purgeScenarios } from "../scenarios/purges.ts";
import { queryScenarios } from "../scenarios/queries.ts";
import { retentionScenarios } from "../scenarios/retention.ts";
import { retryScenarios } from "../scenarios/retries.ts";
import { rewindScenarios } from "../scenarios/rewind.ts";
import { startScenarios } from "../scenarios/starts.ts";
import { stateScenarios } from "../scenarios/states.ts";
import { subOrchestrationScenarios } from "../scenarios/sub-orchestrations.ts";
import { suspendResumeScenarios } from "../scenarios/suspend-resume.ts";
import { terminationScenarios } from "../scenarios/terminate.ts";
import { timerScenarios } from "../scenarios/timers.ts";
import { versionScenarios } from "../scenarios/versions.ts";
import { waitScenarios } from "../scenarios/waits.ts";
import { watchScenarios } from "../scenarios/watches.ts";
import { whenAllAnyScenarios } from "../scenarios/when-all-any.ts";

let objectCount = 0;

const inDurableObject: Scenario = (title, play) =>
  it(title, async () => {
    const stub = env.TASK_HUBS.getByName(`scenario-${++objectCount}`);
    await runInDurableObject(stub, (_, state) => playIn(() => new DurableObjectStore(state.storage), play));
  });

describe("in a Durable Object", () => {
  entityCallScenarios(inDurableObject);
  entityOperationScenarios(inDurableObject);
  entityStorageScenarios(inDurableObject);
  lockScenarios(inDurableObject);
  eventScenarios(inDurableObject);
  retryScenarios(inDurableObject);
  continueAsNewScenarios(inDurableObject, BETWEEN_STEPS_AT_ONCE);
  rewindScenarios(inDurableObject);
  versionScenarios(inDurableObject);
  queryScenarios(inDurableObject);
  watchScenarios(inDurableObject);
  suspensionScenarios(inDurableObject);
  determinismCheckScenarios(inDurableObject);
  callHttpScenarios(inDurableObject);
  retentionScenarios(inDurableObject);
  patternScenarios(inDurableObject);
  whenAllAnyScenarios(inDurableObject);
  customStatusScenarios(inDurableObject);
  timerScenarios(inDurableObject);
  patchScenarios(inDurableObject);
  terminationScenarios(inDurableObject);
  suspendResumeScenarios(inDurableObject);
  failureScenarios(inDurableObject);
  subOrchestrationScenarios(inDurableObject);
  payloadScenarios(inDurableObject);
  startScenarios(inDurableObject);
  stateScenarios(inDurableObject);
  waitScenarios(inDurableObject);
  purgeScenarios(inDurableObject);
});
