/** The law of replay in workerd, whose event loop is another: the same programs, cases and barrier as in Node (../core/replay-property.test.ts). */
import { openHostedHub } from "../simulation/replay/hosted.ts";
import { replayLaw } from "../simulation/replay/law-suite.ts";
import { trialsOf } from "../simulation/replay/trials.ts";

replayLaw(trialsOf(10_001, 2_000, 250, openHostedHub));
