/** The law of replay in Node, on hubs of virtual time: what the live run interleaved, the replay interleaves the same way. */
import { TestTaskHub } from "holdfast/testing";
import { type OpenHub, openHostedHub } from "../simulation/replay/hosted.ts";
import { replayLaw } from "../simulation/replay/law-suite.ts";
import { trialsOf } from "../simulation/replay/trials.ts";

const openTestHub: OpenHub = async ({ ids: _ids, ...options }) => {
  const hub = await TestTaskHub.open(options);
  return {
    hub,
    get now() {
      return hub.now;
    },
    settle: () => hub.runUntilIdle(),
    advance: (ms) => hub.advance(ms),
  };
};

replayLaw([...trialsOf(1, 1_500, 250, openHostedHub), ...trialsOf(1_501, 500, 250, openTestHub)]);
