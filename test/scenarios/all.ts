/** The scenarios of the programming model: one list, which every place plays to its end. */
import { activityScenarios } from "./activities.ts";
import { callHttpScenarios } from "./call-http.ts";
import { BETWEEN_STEPS_AT_ONCE, BETWEEN_STEPS_LATER, continueAsNewScenarios } from "./continue-as-new.ts";
import { customStatusScenarios } from "./custom-status.ts";
import { determinismCheckScenarios, suspensionScenarios } from "./determinism.ts";
import { entityCallScenarios } from "./entities.ts";
import { entityOperationScenarios } from "./entity-operations.ts";
import { entityStorageScenarios } from "./entity-storage.ts";
import { eventScenarios } from "./events.ts";
import { failureScenarios } from "./failures.ts";
import { lockScenarios } from "./locks.ts";
import { patchScenarios } from "./patches.ts";
import { patternScenarios } from "./patterns.ts";
import { payloadScenarios } from "./payloads.ts";
import type { Scenario } from "./place.ts";
import { purgeScenarios } from "./purges.ts";
import { queryScenarios } from "./queries.ts";
import { retentionScenarios } from "./retention.ts";
import { retryScenarios } from "./retries.ts";
import { rewindScenarios } from "./rewind.ts";
import { startScenarios } from "./starts.ts";
import { stateScenarios } from "./states.ts";
import { subOrchestrationScenarios } from "./sub-orchestrations.ts";
import { suspendResumeScenarios } from "./suspend-resume.ts";
import { terminationScenarios } from "./terminate.ts";
import { timerScenarios } from "./timers.ts";
import { versionScenarios } from "./versions.ts";
import { waitScenarios } from "./waits.ts";
import { watchScenarios } from "./watches.ts";
import { whenAllAnyScenarios } from "./when-all-any.ts";

const SCENARIOS: readonly ((it: Scenario) => void)[] = [
  activityScenarios,
  callHttpScenarios,
  customStatusScenarios,
  determinismCheckScenarios,
  entityCallScenarios,
  entityOperationScenarios,
  entityStorageScenarios,
  eventScenarios,
  failureScenarios,
  lockScenarios,
  patchScenarios,
  patternScenarios,
  payloadScenarios,
  purgeScenarios,
  queryScenarios,
  retentionScenarios,
  retryScenarios,
  rewindScenarios,
  startScenarios,
  stateScenarios,
  subOrchestrationScenarios,
  suspendResumeScenarios,
  suspensionScenarios,
  terminationScenarios,
  timerScenarios,
  versionScenarios,
  waitScenarios,
  watchScenarios,
  whenAllAnyScenarios,
];

/** Declares every scenario. @param answers when the store of the place answers: it bounds how far instances get between two steps of another. */
export function allScenarios(it: Scenario, answers: "at once" | "later"): void {
  for (const scenarios of SCENARIOS) scenarios(it);
  continueAsNewScenarios(it, answers === "at once" ? BETWEEN_STEPS_AT_ONCE : BETWEEN_STEPS_LATER);
}
