/** What SQL stores remember of their rows. */
import { expect, it } from "vitest";
import { SQL_BOUNDS } from "../../adapters/sql/bounds.ts";
import { KnownRows } from "../../adapters/sql/known-rows.ts";

it("known rows are bounded, and those that are written again and again are not forgotten", () => {
  const rows = new KnownRows();
  const row = { createdAtMs: 0, completedAtMs: null, isBusy: 0, turnsKey: 1, isLong: 0 };
  rows.set("in use", row);
  for (let n = 0; n < 2 * SQL_BOUNDS.knownRowsMax; n++) {
    rows.set(`i${n}`, row);
    rows.set("in use", row);
  }
  expect(rows.get("in use")).toBe(row);
  expect(rows.get("i0")).toBeUndefined();
  const known = Array.from({ length: 2 * SQL_BOUNDS.knownRowsMax }, (_, n) => rows.get(`i${n}`)).filter(Boolean);
  expect(known).toHaveLength(SQL_BOUNDS.knownRowsMax - 1);
});
