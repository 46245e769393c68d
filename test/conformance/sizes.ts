/** S5 for long texts: databases limit a value or a row; a store must not. */
import { expect } from "vitest";
import type { InstanceChange } from "../../core/store/contract.ts";
import { message, record, turn } from "./samples.ts";
import type { Cases, HubUnderTest } from "./subject.ts";

const MILLION = 1_000_000;

/** Long texts of one, two, three and four bytes a character; an odd character in front shifts where pieces are cut. */
const LONG_TEXTS: Readonly<Record<string, string>> = {
  "of ASCII": "x".repeat(2.5 * MILLION),
  "full of quotes": `{"a":"b"},`.repeat(MILLION / 4),
  "of two bytes a character": `x${"é".repeat(1.2 * MILLION)}`,
  "of three bytes a character": `xx${"語".repeat(0.9 * MILLION)}`,
  "of pairs": `x${"😀".repeat(0.7 * MILLION)}`,
  "of halves of pairs": "\ud83d".repeat(0.4 * MILLION),
};

async function roundTrip(hub: HubUnderTest, text: string): Promise<void> {
  const long = record("a", {
    input: text,
    output: text,
    customStatus: text,
    failure: { errorType: "Error", errorMessage: text },
  });
  const events = [...turn(1_000, "before"), ...turn(1_000, text)];
  const change: InstanceChange = {
    instanceId: "a",
    atMs: 1_000,
    record: long,
    firstTurn: 0,
    turns: [turn(1_000, "one"), events, turn(1_000, "three")],
    inboxAdded: [message(1, "short"), message(2, "long", text), message(3, "short")],
  };
  await hub.commit(change);
  const stored = await hub.session.load("a");
  // Not `toEqual`: printing the difference of two long texts takes minutes.
  expect(stored?.record?.input === text && stored.record.output === text && stored.record.customStatus === text).toBe(
    true,
  );
  expect(stored?.record?.failure?.errorMessage === text).toBe(true);
  expect(JSON.stringify(stored?.inbox) === JSON.stringify(change.inboxAdded)).toBe(true);
  expect(JSON.stringify(await hub.session.history("a")) === JSON.stringify(change.turns?.flat())).toBe(true);
  const [listed] = await hub.session.query({ filter: { tags: {} }, orderBy: "created", limit: 1 });
  expect(listed?.record.input === text).toBe(true);
}

const ROUND_TRIPS: Cases = Object.fromEntries(
  Object.entries(LONG_TEXTS).map(([kind, text]) => [
    `S5: texts ${kind} come back as they were given, however long`,
    (hub: HubUnderTest) => roundTrip(hub, text),
  ]),
);

export const SIZES: Cases = {
  ...ROUND_TRIPS,

  "a long record can become longer, shorter and short again": async (hub) => {
    for (const length of [1.5, 4, 2.2, 0, 3, 0.1].map((millions) => millions * MILLION)) {
      const next = record("a", { input: "i".repeat(1.5 * MILLION), output: "o".repeat(length) });
      await hub.commit({ instanceId: "a", atMs: 1_000, record: next });
      const stored = await hub.session.load("a");
      expect(stored?.record?.input === next.input).toBe(true);
      expect(stored?.record?.output === next.output).toBe(true);
    }
    await hub.commit({ instanceId: "a", atMs: 1_000, record: record("a") });
    expect((await hub.session.load("a"))?.record).toStrictEqual(record("a"));
  },

  "nothing of a long text is left for what comes after it in its place": async (hub) => {
    const long = "x".repeat(3 * MILLION);
    const full: InstanceChange = {
      instanceId: "a",
      atMs: 1_000,
      record: record("a", { input: long }),
      firstTurn: 0,
      turns: [turn(1_000, long)],
      inboxAdded: [message(1, "long", long)],
    };
    const short: InstanceChange = {
      instanceId: "a",
      atMs: 2_000,
      record: record("a"),
      firstTurn: 0,
      turns: [turn(1_000, "short")],
      inboxAdded: [message(1, "short")],
    };
    const expected = {
      record: record("a"),
      lastUpdatedAtMs: 2_000,
      turnCount: 1,
      eventCount: 2,
      inbox: [message(1, "short")],
    };
    for (const dropped of [{ isReset: true, inboxRemoved: [1] }, { isPurge: true }]) {
      await hub.commit(full);
      await hub.commit({ ...short, ...dropped });
      expect(await hub.session.load("a")).toEqual(expected);
      expect(await hub.session.history("a")).toEqual(turn(1_000, "short"));
      await hub.commit({ instanceId: "a", atMs: 3_000, isPurge: true });
    }
  },
};
