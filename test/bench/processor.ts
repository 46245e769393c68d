/** Processor time of other processes, where the operating system tells it in `/proc`. */
import { readdirSync, readFileSync } from "node:fs";

/** Unit in which Linux counts the processor time of a process. */
const TICK_MS = 10;

/** What `/proc/<pid>/stat` says of a process; `undefined` when it has ended, or is none. */
function statOf(
  pid: string,
): { readonly name: string; readonly parent: number; readonly processorMs: number } | undefined {
  try {
    const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    const fields = rest.split(" ");
    return { name, parent: Number(fields[1]), processorMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined;
  }
}

/** What the children of this process that have a name have taken so far, in ms, every thread of them; `undefined` where nobody tells. */
export function processorMsOf(name: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  const children = readdirSync("/proc")
    .map(statOf)
    .filter((stat) => stat?.name === name && stat.parent === process.pid);
  return children.reduce((sum, child) => sum + (child?.processorMs ?? 0), 0);
}
