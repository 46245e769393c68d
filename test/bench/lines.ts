/**
 * Every line of the table: which library does which work, and how it is written down.
 *
 * A store is added with a suite of its own: its subject (`holdfastOver` a new store), the physical limit of what it is kept on, measured
 * by a subject beside it in the same run, and the peers that are kept on the same.
 */
import type { Subject } from "./subject.ts";
import { TURN_FOR_EACH_ROW, titleOf, type Variant, type Workload } from "./workload.ts";

/** One line of the table, measured in a process of its own. */
export interface Line {
  /** What `--only` looks in, and what the process of the line is told. */
  readonly id: string;
  readonly suite: string;
  readonly library: string;
  readonly workload: Workload;
  readonly variant: Variant;
  load(): Promise<{ readonly subject: Subject }>;
}

interface Entrant {
  readonly library: string;
  load(): Promise<{ readonly subject: Subject }>;
  variants(kind: Workload["kind"]): readonly Variant[];
}

/** What is kept on the same, measured side by side. */
interface Suite {
  readonly workloads: readonly Workload[];
  readonly entrants: readonly Entrant[];
}

const IN_MEMORY: readonly Workload[] = [
  { kind: "sequential", steps: 1_000 },
  { kind: "sequential", steps: 10_000 },
  { kind: "sequential", steps: 100_000 },
  { kind: "fanOut", steps: 10_000 },
  { kind: "instances", instances: 1_000, steps: 3 },
  { kind: "replay", steps: 3_333 },
];

const ON_DISK: readonly Workload[] = [
  { kind: "sequential", steps: 1_000 },
  { kind: "sequential", steps: 10_000 },
  { kind: "instances", instances: 1_000, steps: 3 },
  { kind: "instances", instances: 10_000, steps: 3 },
];

const SHAPES = ["async function", "generator", "async generator"];

function holdfast(kind: Workload["kind"]): readonly Variant[] {
  if (kind !== "replay")
    return SHAPES.flatMap((code) => (["sync", "async"] as const).map((activities) => ({ code, activities })));
  return ["replayHistory", "reopened hub"].flatMap((means) =>
    SHAPES.map((code): Variant => ({ code: `${code}, ${means}`, activities: "–" })),
  );
}

/** A peer: its forms of code, with the activities that suit it best; it replays when an event wakes a waiting instance. */
function peer(...codes: readonly string[]): Entrant["variants"] {
  return (kind) =>
    codes.map((code) =>
      kind === "replay" ? { code: `${code}, woken`, activities: "–" } : { code, activities: "sync" },
    );
}

/** What the peers of Durable Objects are measured with, too; and pages. */
const ON_OBJECTS: readonly Workload[] = [
  { kind: "sequential", steps: 1_000 },
  { kind: "fanOut", steps: 1_000 },
  { kind: "instances", instances: 1_000, steps: 3 },
];

/** Shapes of code that a store is measured with: it sees no difference, so these are fewer. */
function holdfastOnDisk(): readonly Variant[] {
  return ["async function", "generator"].map((code) => ({ code, activities: "sync" }));
}

/** A database without an engine: what it takes to write a row for every activity. */
function limit(kind: Workload["kind"]): readonly Variant[] {
  return [{ code: kind === "sequential" ? "one-insert transactions" : "batched rows", activities: "sync" }];
}

function sqlite(synchronous: "normal" | "full"): Suite {
  const load = async (subjects: Promise<Record<"normal" | "full", Subject>>): Promise<{ subject: Subject }> => ({
    subject: (await subjects)[synchronous],
  });
  return {
    workloads: ON_DISK,
    entrants: [
      { library: "no engine (limit)", load: () => load(import("./subjects/sqlite-limit.ts")), variants: limit },
      { library: "Holdfast", load: () => load(import("./subjects/holdfast-sqlite.ts")), variants: holdfastOnDisk },
    ],
  };
}

/** What an object without an engine writes in one turn of its event loop is one commit. */
function objectLimit(kind: Workload["kind"]): readonly Variant[] {
  const codes = kind === "sequential" ? ["rows in one turn", TURN_FOR_EACH_ROW] : ["batched rows"];
  return codes.map((code) => ({ code, activities: "sync" }));
}

const OBJECTS: Suite = {
  workloads: ON_OBJECTS,
  entrants: [
    {
      library: "no engine (limit)",
      load: async () => ({ subject: (await import("./subjects/object.ts")).limit }),
      variants: objectLimit,
    },
    {
      library: "Holdfast",
      load: async () => ({ subject: (await import("./subjects/object.ts")).holdfast }),
      variants: holdfastOnDisk,
    },
  ],
};

function indexedDb(backEnd: "LevelDB" | "SQLite"): Suite {
  const load = async (engine: "none" | "holdfast"): Promise<{ subject: Subject }> => ({
    subject: (await import("./subjects/page.ts")).inChromium(backEnd, engine),
  });
  return {
    workloads: ON_OBJECTS,
    entrants: [
      { library: "no engine (limit)", load: () => load("none"), variants: limit },
      { library: "Holdfast", load: () => load("holdfast"), variants: holdfastOnDisk },
    ],
  };
}

const MEMORY: Suite = {
  workloads: IN_MEMORY,
  entrants: [
    {
      library: "no engine (limit)",
      load: () => import("./subjects/plain.ts"),
      variants: (kind) => (kind === "replay" ? [] : [{ code: "await + JSON", activities: "sync" }]),
    },
    { library: "Holdfast", load: () => import("./subjects/holdfast-memory.ts"), variants: holdfast },
    { library: "durabletask-js", load: () => import("./subjects/durabletask.ts"), variants: peer("async generator") },
    {
      library: "Resonate",
      load: () => import("./subjects/resonate.ts"),
      variants: peer("async function", "generator"),
    },
  ],
};

const SUITES: Readonly<Record<string, Suite>> = {
  memory: MEMORY,
  "SQLite NORMAL": sqlite("normal"),
  "SQLite FULL": sqlite("full"),
  "Durable Object": OBJECTS,
  "IndexedDB on LevelDB": indexedDb("LevelDB"),
  "IndexedDB on SQLite": indexedDb("SQLite"),
};

/** All lines, in the order of the table. */
export const LINES: readonly Line[] = Object.entries(SUITES).flatMap(([suite, { workloads, entrants }]) =>
  workloads.flatMap((workload) =>
    entrants.flatMap(({ library, load, variants }) =>
      variants(workload.kind).map((variant) => {
        const work = [suite, titleOf(workload), library, variant.code];
        const activities = variant.activities === "–" ? [] : [`${variant.activities} activities`];
        return { id: [...work, ...activities].join(" | "), suite, library, workload, variant, load };
      }),
    ),
  ),
);

/** The lines whose id holds each of the texts, whatever the case. */
export function linesWith(texts: readonly string[]): readonly Line[] {
  return LINES.filter(({ id }) => texts.every((text) => id.toLowerCase().includes(text.toLowerCase())));
}
