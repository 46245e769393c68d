/** The runtimes that are killed, each as the process it runs in. Every one serves the management API over HTTP; another is one more entry here. */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleNode, bundleWorker } from "../../web-demo/build.ts";

/** One kind of process, over a folder that outlives it. */
export interface RuntimeKind {
  /** Makes in the folder what the process needs, once. */
  prepare(folder: string): Promise<void>;
  /** What Node is started with. The process prints `origin http://…` when it takes requests. */
  command(folder: string): readonly string[];
  /** The database of the hub, to be read while no process has it open. */
  database(folder: string): string;
}

const PROGRAM = "program.js";
const DATA = "data";

const workerd: RuntimeKind = {
  async prepare(folder) {
    writeFileSync(join(folder, PROGRAM), await bundleWorker(join(import.meta.dirname, "../worker/journey-worker.ts")));
  },
  command: (folder) => [join(import.meta.dirname, "runtime-process.ts"), join(folder, PROGRAM), join(folder, DATA)],
  database(folder) {
    const data = join(folder, DATA);
    const files = readdirSync(data, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.includes("TaskHubObject") && name.endsWith(".sqlite") && !name.endsWith("metadata.sqlite"),
    );
    const [file] = files;
    if (file === undefined || files.length > 1)
      throw new Error(`Expected the database of one object; found ${files.join(", ")}.`);
    return copied(join(data, file), join(folder, "copy.sqlite"));
  },
};

function node(synchronous: "FULL" | "NORMAL"): RuntimeKind {
  return {
    async prepare(folder) {
      writeFileSync(join(folder, PROGRAM), await bundleNode(join(import.meta.dirname, "node-process.ts")));
    },
    command: (folder) => [join(folder, PROGRAM), join(folder, DATA), synchronous],
    database: (folder) => copied(join(folder, DATA), join(folder, "copy.sqlite")),
  };
}

/** A copy, so that looking at it changes nothing. */
function copied(file: string, copy: string): string {
  for (const suffix of ["", "-wal"]) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  return copy;
}

/** By name. */
export const RUNTIMES = {
  "node-full": node("FULL"),
  "node-normal": node("NORMAL"),
  workerd,
} as const satisfies Readonly<Record<string, RuntimeKind>>;
