/** All cases of the suite, by their sentences. */
import { COMMITS } from "./commits.ts";
import { DROPS } from "./drops.ts";
import { ENTITIES } from "./entities.ts";
import { OPENING } from "./opening.ts";
import { QUERIES } from "./queries.ts";
import { SIZES } from "./sizes.ts";
import type { Cases } from "./subject.ts";
import { TIMERS } from "./timers.ts";

export const GROUPS: Readonly<Record<string, Cases>> = {
  "opening and fencing": OPENING,
  commits: COMMITS,
  "resets and purges": DROPS,
  sizes: SIZES,
  timers: TIMERS,
  queries: QUERIES,
  entities: ENTITIES,
};

/** For stores that say that they are synchronous. */
export const WITHOUT_PROMISES = "S4: it answers without promises";
/** Random commits, held against a model. */
export const SEQUENCES = "any sequence of commits leaves what the contract says, in two hubs at once";
