/** Which branches of the library were run, as V8 counts them. */
import { type Profiler, Session } from "node:inspector/promises";

const ROOT = new URL("../../", import.meta.url).href;
const COUNTED = /^(core\/(hub|replay|store|history)|adapters\/(sql|sqlite|indexeddb))\//;

export class BranchCoverage {
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(): Promise<BranchCoverage> {
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
    return new BranchCoverage(session);
  }

  /** A line for each file: how many of its branches were run. */
  async table(): Promise<string> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    this.#session.disconnect();
    const lines = result.flatMap(({ url, functions }) => {
      const file = url.startsWith(ROOT) ? url.slice(ROOT.length) : "";
      if (!COUNTED.test(file)) return [];
      const { run, all } = branchesOf(functions);
      return [
        `${String(Math.round((100 * run) / all)).padStart(4)} %  ${String(run).padStart(4)} of ${String(all).padStart(4)} branches  ${file}`,
      ];
    });
    return lines.sort((a, b) => (a.slice(30) < b.slice(30) ? -1 : 1)).join("\n");
  }
}

/** A function is a branch, and so is every block in it that V8 counts by itself. */
function branchesOf(functions: readonly Profiler.FunctionCoverage[]): { run: number; all: number } {
  const counts = functions.flatMap(({ ranges }) => ranges.map(({ count }) => count));
  return { run: counts.filter((count) => count > 0).length, all: counts.length };
}
