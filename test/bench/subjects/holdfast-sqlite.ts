/** Holdfast over a SQLite file, synced as asked. */
import { SqliteStore } from "holdfast/sqlite";
import type { Subject } from "../subject.ts";
import { holdfastOver } from "./holdfast.ts";
import { newFolder, type Synchronous } from "./sqlite-file.ts";

const over = (synchronous: Synchronous): Subject =>
  holdfastOver(async () => {
    const { path, discard } = newFolder();
    return { store: new SqliteStore({ path, synchronous }), discard };
  });

export const normal: Subject = over("NORMAL");
export const full: Subject = over("FULL");
