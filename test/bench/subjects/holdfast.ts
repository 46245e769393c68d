/** The subject of a store that Holdfast has in this process. */
import { readFileSync } from "node:fs";
import type { Subject } from "../subject.ts";
import { type BenchStore, HoldfastBench } from "./holdfast-bench.ts";

/** What stands at the foot of the table. */
export const HOLDFAST_VERSION: string = `holdfast ${packageVersion()}`;

/** A subject that runs Holdfast over new stores of one kind. */
export function holdfastOver(newStore: () => Promise<BenchStore>): Subject {
  return {
    version: HOLDFAST_VERSION,
    bench: (variant, meter) => new HoldfastBench(variant, meter, newStore),
  };
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
