/** The stores that run in Node, held to the store contract. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStore } from "../../adapters/sqlite/index.ts";
import { MemoryStore } from "../../core/store/memory.ts";
import { storeConformance } from "./suite.ts";

storeConformance("MemoryStore", (run) => run({ store: new MemoryStore() }), { isSynchronous: true });

storeConformance("SqliteStore in memory", (run) => run({ store: new SqliteStore({ path: ":memory:" }) }), {
  isSynchronous: true,
});

storeConformance(
  "SqliteStore on a file",
  async (run) => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-"));
    const connect = (): SqliteStore => new SqliteStore({ path: join(folder, "hubs.db"), synchronous: "NORMAL" });
    try {
      await run({ store: connect(), connect });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  { isSynchronous: true },
);
