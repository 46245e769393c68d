/** Measures one line in a process of its own, and stops it when it takes too long. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Line } from "./lines.ts";
import type { Effort, Measured, Report } from "./measure.ts";

/** How a line ended. */
export type Outcome =
  | { readonly type: "measured"; readonly measured: Measured }
  /** Stopped at the time cap, in a phase, after so many activities of it. */
  | { readonly type: "capped"; readonly phase: string; readonly activityRuns: number; readonly capMs: number }
  | { readonly type: "failed"; readonly error: string };

export interface RunOptions {
  readonly effort: Effort;
  /** Longest time of one phase: making a round ready, one warm-up round, one measured round. */
  readonly capMs: number;
  /** Where V8's profile of the process goes, if one is wanted. */
  readonly profilePath?: { readonly folder: string; readonly name: string };
}

const ENTRY = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs one line; never rejects. */
export function runLine(line: Line, options: RunOptions): Promise<Outcome> {
  const { effort, capMs, profilePath } = options;
  const profiling = profilePath
    ? [
        "--cpu-prof",
        "--cpu-prof-interval=200",
        `--cpu-prof-dir=${profilePath.folder}`,
        `--cpu-prof-name=${profilePath.name}`,
      ]
    : [];
  const child = fork(ENTRY, ["--line", line.id, "--effort", JSON.stringify(effort)], {
    execArgv: profiling,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return new Promise((resolve) => {
    let phase = "starting";
    let activityRuns = 0;
    let ending: Outcome | undefined;
    const stop = (): void => {
      ending ??= { type: "capped", phase, activityRuns, capMs };
      child.kill("SIGKILL");
    };
    let timer = setTimeout(stop, capMs);
    child.on("message", (report: Report) => {
      switch (report.type) {
        case "phase":
          phase = report.phase;
          activityRuns = 0;
          clearTimeout(timer);
          timer = setTimeout(stop, capMs);
          break;
        case "progress":
          activityRuns = report.activityRuns;
          break;
        case "done":
          ending ??= { type: "measured", measured: report.measured };
          break;
        case "failed":
          ending ??= { type: "failed", error: report.error };
      }
    });
    child.on("error", (error) => {
      ending ??= { type: "failed", error: error.message };
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve(ending ?? { type: "failed", error: `The process ended early (${signal ?? `code ${code}`}).` });
    });
  });
}
