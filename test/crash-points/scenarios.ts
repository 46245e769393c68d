/** All scenarios of the crash points. */
import { ACTIVITY_SCENARIOS } from "./activity-scenarios.ts";
import { MANAGEMENT_SCENARIOS } from "./management-scenarios.ts";
import { MESSAGE_SCENARIOS } from "./message-scenarios.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [...ACTIVITY_SCENARIOS, ...MESSAGE_SCENARIOS, ...MANAGEMENT_SCENARIOS];
