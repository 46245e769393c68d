/** New SQLite files for one round each, all on the same disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How SQLite syncs a commit. */
export type Synchronous = "NORMAL" | "FULL";

/** A path for a database in a folder of its own, and what throws both away. */
export function newFolder(): { readonly folder: string; readonly path: string; discard(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  return {
    folder,
    path: join(folder, "hub.db"),
    async discard() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
