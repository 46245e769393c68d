/** Listings: filters, order, pages. */
import { expect } from "vitest";
import type {
  InstanceFilter,
  InstanceQuery,
  InstanceRecord,
  ListedInstance,
  OrchestrationStatus,
  PageCursor,
} from "../../core/store/contract.ts";
import { message, record, turn } from "./samples.ts";
import type { Cases, HubUnderTest } from "./subject.ts";

async function fill(hub: HubUnderTest, records: readonly InstanceRecord[]): Promise<void> {
  await hub.commit(...records.map((each) => ({ instanceId: each.instanceId, atMs: 9_000, record: each })));
}

async function ids(
  hub: HubUnderTest,
  filter: InstanceFilter,
  orderBy: InstanceQuery["orderBy"] = "created",
): Promise<string[]> {
  return (await hub.session.query({ filter, orderBy, limit: 1_000 })).map((listed) => listed.record.instanceId);
}

/** Reads page by page, and checks that every page is full but the last. */
async function pages(hub: HubUnderTest, query: Omit<InstanceQuery, "after">): Promise<ListedInstance[]> {
  const found: ListedInstance[] = [];
  for (let after: PageCursor | undefined; ; ) {
    const page = await hub.session.query({ ...query, ...(after && { after }) });
    found.push(...page);
    expect(page.length).toBeLessThanOrEqual(query.limit);
    const last = page.at(-1);
    if (!last || page.length < query.limit) return found;
    const atMs = query.orderBy === "created" ? last.record.createdAtMs : last.record.completedAtMs;
    after = { atMs: atMs ?? Number.NaN, instanceId: last.record.instanceId };
  }
}

const STATUSES: readonly OrchestrationStatus[] = ["Pending", "Running", "Completed", "Failed", "Terminated"];

/** Sixty instances in no order: three a creation instant, half of them completed in another order. */
function sixty(): InstanceRecord[] {
  return Array.from({ length: 60 }, (_, index) => {
    const rank = (index * 37) % 60;
    return record(`i-${String((index * 11) % 60).padStart(2, "0")}`, {
      name: rank % 2 === 0 ? "even" : "odd",
      status: STATUSES[rank % 5] ?? "Running",
      createdAtMs: 1_000 + Math.floor(rank / 3),
      ...(index % 2 === 0 && { completedAtMs: 5_000 - Math.floor(rank / 4) }),
      tags: rank % 10 === 0 ? { team: "travel", rank: String(rank) } : {},
    });
  });
}

function inOrder(records: readonly InstanceRecord[], instant: "createdAtMs" | "completedAtMs"): InstanceRecord[] {
  return records
    .filter((each) => each[instant] !== undefined)
    .sort((a, b) => (a[instant] ?? 0) - (b[instant] ?? 0) || (a.instanceId < b.instanceId ? -1 : 1));
}

export const QUERIES: Cases = {
  "a listing is in order of creation, then of ids by UTF-16 units": async (hub) => {
    const sorted = ["B", "a", "a-", "aa", "z", "é", "\ud7ff", "😀", "😀!", "\ud83e", "\ue000", "\uffff"];
    await fill(hub, [
      record("later", { createdAtMs: 2_000 }),
      ...[...sorted].reverse().map((id) => record(id)),
      record("earlier", { createdAtMs: 1 }),
    ]);
    expect(await ids(hub, {})).toEqual(["earlier", ...sorted, "later"]);
    const found = await pages(hub, { filter: {}, orderBy: "created", limit: 1 });
    expect(found.map((listed) => listed.record.instanceId)).toEqual(["earlier", ...sorted, "later"]);
  },

  "a listing in order of completion has the completed instances only": async (hub) => {
    await fill(hub, [
      record("a", { createdAtMs: 3, completedAtMs: 50 }),
      record("b", { createdAtMs: 2 }),
      record("d", { createdAtMs: 1, completedAtMs: 70 }),
      record("c", { createdAtMs: 1, completedAtMs: 50 }),
    ]);
    expect(await ids(hub, {}, "completed")).toEqual(["a", "c", "d"]);
  },

  "pages of any size give every instance once and in order": async (hub) => {
    await fill(hub, sixty());
    for (const limit of [1, 2, 7, 59, 60, 61]) {
      const created = await pages(hub, { filter: {}, orderBy: "created", limit });
      expect(created.map((listed) => listed.record)).toEqual(inOrder(sixty(), "createdAtMs"));
      const completed = await pages(hub, { filter: {}, orderBy: "completed", limit });
      expect(completed.map((listed) => listed.record)).toEqual(inOrder(sixty(), "completedAtMs"));
    }
  },

  "a page goes on after its cursor, whether or not an instance is there": async (hub) => {
    await fill(hub, [record("a"), record("b"), record("c"), record("d", { createdAtMs: 2_000 })]);
    const after = async (atMs: number, instanceId: string): Promise<string[]> => {
      const page = await hub.session.query({ filter: {}, orderBy: "created", after: { atMs, instanceId }, limit: 10 });
      return page.map((listed) => listed.record.instanceId);
    };
    expect(await after(1_000, "a")).toEqual(["b", "c", "d"]);
    expect(await after(1_000, "bb")).toEqual(["c", "d"]);
    expect(await after(1_000, "")).toEqual(["a", "b", "c", "d"]);
    expect(await after(999, "z")).toEqual(["a", "b", "c", "d"]);
    expect(await after(1_500, "a")).toEqual(["d"]);
    expect(await after(2_000, "d")).toEqual([]);
  },

  "statuses, names and tags choose; several of one kind are alternatives, several kinds must all fit": async (hub) => {
    await fill(hub, [
      record("a", { status: "Running", name: "x", tags: { team: "one", level: "1" } }),
      record("b", { status: "Completed", name: "x", tags: { team: "one" } }),
      record("c", { status: "Failed", name: "y", tags: { team: "two", level: "1" } }),
      record("d", { status: "Running", name: "X" }),
    ]);
    expect(await ids(hub, { statuses: ["Running"] })).toEqual(["a", "d"]);
    expect(await ids(hub, { statuses: ["Failed", "Completed"] })).toEqual(["b", "c"]);
    expect(await ids(hub, { statuses: ["Canceled"] })).toEqual([]);
    expect(await ids(hub, { names: ["x"] })).toEqual(["a", "b"]);
    expect(await ids(hub, { names: ["X", "y", "none"] })).toEqual(["c", "d"]);
    expect(await ids(hub, { tags: { team: "one" } })).toEqual(["a", "b"]);
    expect(await ids(hub, { tags: { team: "one", level: "1" } })).toEqual(["a"]);
    expect(await ids(hub, { tags: { constructor: "one" } })).toEqual([]);
    expect(await ids(hub, { tags: {} })).toEqual(["a", "b", "c", "d"]);
    expect(await ids(hub, { statuses: ["Running", "Failed"], names: ["x", "y"], tags: { level: "1" } })).toEqual([
      "a",
      "c",
    ]);
  },

  "names are compared exactly, whatever is in them": async (hub) => {
    const names = ["é", "e\u0301", "😀", "\ud83d", "\ufffd", "a'b", '"', "%", "_"];
    await fill(
      hub,
      names.map((name, index) => record(`i-${index}`, { name })),
    );
    for (const [index, name] of names.entries()) expect(await ids(hub, { names: [name] })).toEqual([`i-${index}`]);
    expect(await ids(hub, { names })).toHaveLength(names.length);
  },

  "bounds of creation and completion are inclusive": async (hub) => {
    await fill(hub, [
      record("a", { createdAtMs: 1_000, completedAtMs: 3_000 }),
      record("b", { createdAtMs: 2_000, completedAtMs: 2_000 }),
      record("c", { createdAtMs: 3_000 }),
    ]);
    expect(await ids(hub, { createdFromMs: 2_000 })).toEqual(["b", "c"]);
    expect(await ids(hub, { createdToMs: 2_000 })).toEqual(["a", "b"]);
    expect(await ids(hub, { createdFromMs: 1_001, createdToMs: 2_999 })).toEqual(["b"]);
    expect(await ids(hub, { completedFromMs: 3_000 })).toEqual(["a"]);
    expect(await ids(hub, { completedToMs: 2_000 })).toEqual(["b"]);
    expect(await ids(hub, { completedFromMs: 0 })).toEqual(["a", "b"]);
    expect(await ids(hub, { completedFromMs: 2_000, completedToMs: 3_000 }, "completed")).toEqual(["b", "a"]);
    expect(await ids(hub, { createdFromMs: 2_000, completedToMs: 5_000 }, "completed")).toEqual(["b"]);
    expect(await ids(hub, { createdFromMs: 5, createdToMs: 4 })).toEqual([]);
  },

  "a prefix of the id is taken literally": async (hub) => {
    const all = ["a", "a%b", "a%c", "aXb", "a_b", "A%b", "ab", "b", "😀a", "😁"].sort();
    await fill(
      hub,
      all.map((id) => record(id)),
    );
    for (const prefix of ["", "a", "a%", "a_", "A", "ab", "abc", "😀", "\ud83d", "*", "a?"]) {
      expect(await ids(hub, { instanceIdPrefix: prefix }), prefix).toEqual(all.filter((id) => id.startsWith(prefix)));
    }
  },

  "a page is filled to its limit when it must be searched for": async (hub) => {
    await fill(
      hub,
      Array.from({ length: 700 }, (_, index) =>
        record(`i-${String(index).padStart(3, "0")}`, { tags: { rare: String(index % 120 === 7) } }),
      ),
    );
    const expected = ["i-007", "i-127", "i-247", "i-367", "i-487", "i-607"];
    for (const limit of [1, 4, 100]) {
      const found = await pages(hub, { filter: { tags: { rare: "true" } }, orderBy: "created", limit });
      expect(found.map((listed) => listed.record.instanceId)).toEqual(expected);
    }
  },

  "what looks like a tag elsewhere in a record is none, and does not cut a page short": async (hub) => {
    const failure = { errorType: "Error", errorMessage: "no", properties: { rare: "true", tags: { rare: "true" } } };
    const all = Array.from({ length: 350 }, (_, index) =>
      record(`😀-${String(index).padStart(3, "0")}`, { failure, ...(index % 170 === 5 && { tags: { rare: "true" } }) }),
    );
    await fill(hub, all);
    const expected = ["😀-005", "😀-175", "😀-345"];
    for (const limit of [1, 2, 10]) {
      const found = await pages(hub, { filter: { tags: { rare: "true" } }, orderBy: "created", limit });
      expect(found.map((listed) => listed.record.instanceId)).toEqual(expected);
    }
  },

  "every filter works together with pages": async (hub) => {
    await fill(hub, sixty());
    const filter: InstanceFilter = {
      statuses: ["Pending", "Running", "Failed"],
      names: ["even"],
      createdFromMs: 1_002,
      createdToMs: 1_018,
      instanceIdPrefix: "i-",
    };
    const expected = inOrder(sixty(), "createdAtMs").filter(
      ({ status, name, createdAtMs }) =>
        filter.statuses?.includes(status) && name === "even" && createdAtMs >= 1_002 && createdAtMs <= 1_018,
    );
    expect(expected.length).toBeGreaterThan(5);
    const found = await pages(hub, { filter, orderBy: "created", limit: 2 });
    expect(found.map((listed) => listed.record)).toEqual(expected);
  },

  "a listed instance tells when it was last updated": async (hub) => {
    await fill(hub, [record("a"), record("b"), record("c")]);
    await hub.commit(
      { instanceId: "a", atMs: 10_000, firstTurn: 0, turns: [turn(1, "one")] },
      { instanceId: "b", atMs: 11_000, inboxAdded: [message(1, "go")] },
    );
    const listed = await hub.session.query({ filter: {}, orderBy: "created", limit: 10 });
    expect(listed).toEqual([
      { record: record("a"), lastUpdatedAtMs: 10_000 },
      { record: record("b"), lastUpdatedAtMs: 11_000 },
      { record: record("c"), lastUpdatedAtMs: 9_000 },
    ]);
  },

  "instances move in listings as their records change, and leave when they are purged": async (hub) => {
    await fill(hub, [record("a", { createdAtMs: 1 }), record("b", { createdAtMs: 2, completedAtMs: 5 })]);
    await fill(hub, [record("a", { createdAtMs: 3, completedAtMs: 4 }), record("b", { createdAtMs: 2 })]);
    expect(await ids(hub, {})).toEqual(["b", "a"]);
    expect(await ids(hub, {}, "completed")).toEqual(["a"]);
    await hub.commit({ instanceId: "a", atMs: 9_000, isPurge: true });
    expect(await ids(hub, {})).toEqual(["b"]);
    expect(await ids(hub, {}, "completed")).toEqual([]);
  },
};
