/** Holdfast over the memory store. */
import { MemoryStore } from "holdfast";
import type { Subject } from "../subject.ts";
import { holdfastOver } from "./holdfast.ts";

export const subject: Subject = holdfastOver(async () => ({ store: new MemoryStore(), async discard() {} }));
