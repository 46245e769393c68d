/** The scenarios of the programming model over a SQLite database in memory. */
import { SqliteStore } from "holdfast/sqlite";
import { describe, it } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { playIn } from "../scenarios/place.ts";

describe("over SQLite", () => {
  allScenarios(
    (title, play) =>
      it(title, async () => {
        const store = new SqliteStore({ path: ":memory:" });
        await playIn(() => store, play);
      }),
    "at once",
  );
});
