/** Which room may import what (ARCHITECTURE.md), and that no files import each other in a circle. */
import type { Import, Module, Offence } from "./sources.ts";

interface Room {
  /** The files of the room. A file belongs to the first room that matches. */
  readonly files: RegExp;
  /** Project files that it may import. */
  readonly rooms: RegExp;
  /** Packages and built-in modules that it may import. */
  readonly packages: RegExp;
}

const NOTHING = /^(?!)/;
const PUBLIC = /^holdfast(\/|$)/;
const SHARED_BY_ADAPTERS = /^(core|adapters\/(?!(durable-objects|http|indexeddb|sqlite)\/))/;

function adapter(name: string, packages: RegExp): Room {
  const files = new RegExp(`^adapters/${name}/`);
  return { files, rooms: new RegExp(`${files.source}|${SHARED_BY_ADAPTERS.source}`), packages };
}

/**
 * What the replaying part of the core stands on: itself, the history, the definitions, and the small values that lie beside them.
 * That none of these knows a host is the compiler's to check: core/replay/tsconfig.json gives them none.
 */
const BELOW_THE_HUB = /^core\/((replay|history|definition)\/|(?!index\.|codec)[^/]+$)/;

const ROOMS: readonly Room[] = [
  { files: /^core\/(replay|history|definition)\//, rooms: BELOW_THE_HUB, packages: NOTHING },
  { files: /^core\/codec/, rooms: /^core\//, packages: /^superjson$/ },
  { files: /^core\/schedules\//, rooms: /^core\//, packages: /^croner$/ },
  { files: /^core\//, rooms: /^core\//, packages: NOTHING },
  adapter("indexeddb", /^idb$/),
  adapter("sqlite", /^node:/),
  adapter("durable-objects", NOTHING),
  adapter("http", NOTHING),
  { files: /^adapters\//, rooms: SHARED_BY_ADAPTERS, packages: NOTHING },
  {
    files: /^worker\//,
    rooms: /^(worker|core|adapters\/durable-objects)\//,
    packages: /^(hono(\/.*)?|cloudflare:workers)$/,
  },
  { files: /^web-demo\/functions\//, rooms: /^web-demo\/functions\//, packages: PUBLIC },
  { files: /^web-demo\//, rooms: /^web-demo\//, packages: /./ },
  { files: /^test\//, rooms: /./, packages: /./ },
  // Settings of the tools, at the top. That of the tests says where their browser is, and the package that they pack.
  { files: /^[^/]+$/, rooms: /^([^/]+|test\/(browser\/chromium|package\/paths)\.ts)$/, packages: /./ },
];

function allowed(room: Room, { target, relative }: Import): boolean {
  return relative ? room.rooms.test(target) : room.packages.test(target);
}

/** Imports that the table of rooms does not allow. */
export function forbiddenImports(modules: readonly Module[]): Offence[] {
  return modules.flatMap(({ path, imports }) => {
    const room = ROOMS.find(({ files }) => files.test(path));
    if (room === undefined) return [{ path, says: "belongs to no room" }];
    return imports.filter((one) => !allowed(room, one)).map((one) => ({ path, says: `may not import ${one.target}` }));
  });
}

/** Circles of imports that exist at run time. Types may refer to each other across files, as a context and its definitions do. */
export function importCycles(modules: readonly Module[]): Offence[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const done = new Set<string>();
  const offences: Offence[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) offences.push({ path, says: `imports itself: ${[...trail.slice(start), path].join(" → ")}` });
    if (start >= 0 || done.has(path)) return;
    for (const { target, relative, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (relative && !typeOnly) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of modules) visit(path, []);
  return offences;
}
