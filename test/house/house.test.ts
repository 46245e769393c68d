import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { forbiddenImports, importCycles } from "./arrows.ts";
import { emptyGuarantees } from "./guarantees.ts";
import { inspect } from "./rules.ts";
import { type Module, type Offence, parseModule, readSources } from "./sources.ts";
import { anyTypes, emptyNames, longFiles, longFunctions, sharedLetters } from "./style.ts";
import { machinePaths, registryHosts } from "./traces.ts";

const sources = readSources(fileURLToPath(new URL("../..", import.meta.url)));

function modules(files: Record<string, string>): Module[] {
  return Object.entries(files).map(([path, text]) => parseModule({ path, text }));
}

function offenders(offences: Offence[]): string[] {
  return offences.map(({ path, says }) => `${path}: ${says}`);
}

describe("the house", () => {
  test.for([...inspect(sources)])("%s", ([, offences]) => {
    expect(offenders(offences)).toEqual([]);
  });

  test("the package's own name means, to the compiler, the source that each entry is built from", () => {
    const text = sources.find(({ path }) => path === "tsconfig.json")?.text ?? "";
    const paths: Record<string, string[]> = JSON.parse(text.replace(/^\s*\/\/.*$/gm, "")).compilerOptions.paths;
    for (const [subpath, target] of Object.entries(packageJson.exports)) {
      if (!target.endsWith(".js")) continue;
      const name = `holdfast${subpath.slice(1)}`;
      const source = target.replace("/dist/", "/").replace(/\.js$/, ".ts");
      const candidates =
        paths[name] ?? paths["holdfast/*"]?.map((path) => path.replace("*", subpath.slice("./".length)));
      expect(candidates, name).toContain(source);
    }
  });
});

describe("the table of rooms", () => {
  const allowedImports: [path: string, specifier: string][] = [
    ["core/replay/executor.ts", "../history/events.ts"],
    ["core/replay/executor.ts", "../errors.ts"],
    ["core/codec/superjson.ts", "superjson"],
    ["core/hub/hub.ts", "../replay/executor.ts"],
    ["adapters/indexeddb/index.ts", "idb"],
    ["adapters/sqlite/index.ts", "node:sqlite"],
    ["adapters/sqlite/index.ts", "../sql/schema.ts"],
    ["adapters/durable-objects/index.ts", "../../core/index.ts"],
    ["worker/index.ts", "cloudflare:workers"],
    ["worker/app.ts", "hono/cors"],
    ["worker/index.ts", "../adapters/durable-objects/index.ts"],
    ["web-demo/functions/hello.ts", "holdfast"],
    ["web-demo/worker.ts", "holdfast/worker"],
    ["test/core/a.test.ts", "../../core/hub/hub.ts"],
  ];
  test.for(allowedImports)("lets %s import %s", ([path, specifier]) => {
    expect(forbiddenImports(modules({ [path]: `import "${specifier}";` }))).toEqual([]);
  });

  const refusedImports: [path: string, specifier: string][] = [
    ["core/replay/executor.ts", "../hub/hub.ts"],
    ["core/replay/executor.ts", "../index.ts"],
    ["core/replay/executor.ts", "../codec/codec.ts"],
    ["core/history/events.ts", "../store/contract.ts"],
    ["core/hub/hub.ts", "superjson"],
    ["core/hub/hub.ts", "node:fs"],
    ["core/hub/hub.ts", "../../adapters/sqlite/index.ts"],
    ["core/index.ts", "holdfast/worker"],
    ["adapters/sqlite/index.ts", "idb"],
    ["adapters/indexeddb/index.ts", "node:fs"],
    ["adapters/indexeddb/index.ts", "../sqlite/index.ts"],
    ["adapters/sql/schema.ts", "node:sqlite"],
    ["adapters/durable-objects/index.ts", "../../worker/index.ts"],
    ["worker/index.ts", "../adapters/sqlite/index.ts"],
    ["worker/index.ts", "../web-demo/worker.ts"],
    ["worker/index.ts", "node:fs"],
    ["web-demo/functions/hello.ts", "../page/main.ts"],
    ["web-demo/functions/hello.ts", "cloudflare:workers"],
    ["web-demo/worker.ts", "../worker/index.ts"],
    ["web-demo/start.ts", "../test/house/rules.ts"],
  ];
  test.for(refusedImports)("does not let %s import %s", ([path, specifier]) => {
    expect(forbiddenImports(modules({ [path]: `import "${specifier}";` }))).toHaveLength(1);
  });

  test.for([
    `import type { A } from "../hub/hub.ts";`,
    `export * from "../hub/hub.ts";`,
    `export { a } from "../hub/hub.ts";`,
    `const hub = await import("../hub/hub.ts");`,
    `type Hub = typeof import("../hub/hub.ts");`,
  ])("sees %s", (text) => {
    expect(offenders(forbiddenImports(modules({ "core/replay/a.ts": text })))).toEqual([
      "core/replay/a.ts: may not import core/hub/hub.ts",
    ]);
  });
});

describe("import cycles", () => {
  test("are reported once, with the whole circle", () => {
    const found = importCycles(
      modules({
        "core/a.ts": `import "./b.ts";`,
        "core/b.ts": `export * from "./c.ts";`,
        "core/c.ts": `import "./a.ts";`,
      }),
    );
    expect(offenders(found)).toEqual(["core/a.ts: imports itself: core/a.ts → core/b.ts → core/c.ts → core/a.ts"]);
  });

  test("do not count what is gone at run time", () => {
    const files = { "core/a.ts": `import type { B } from "./b.ts";`, "core/b.ts": `import "./a.ts";` };
    expect(importCycles(modules(files))).toEqual([]);
  });
});

describe("the rules of style", () => {
  const lines = (count: number): string => "  a();\n".repeat(count);

  test("measure functions of every kind, in the library only", () => {
    const long = lines(74);
    const text = `function a() {\n${long}}\nconst b = () => {\n${long}};\nclass C {\n  d() {\n${long}}\n}\n`;
    expect(longFunctions(modules({ "core/a.ts": text, "test/a.ts": text }))).toHaveLength(3);
    expect(longFunctions(modules({ "core/a.ts": `function a() {\n${lines(73)}}\n` }))).toEqual([]);
  });

  test("measure files", () => {
    const files = { "core/a.ts": lines(450), "core/b.ts": lines(451), "test/c.ts": lines(451) };
    expect(offenders(longFiles(modules(files)))).toEqual(["core/b.ts: has 451 lines, more than 450"]);
  });

  test("find the type any, but not the word", () => {
    const text = `// any\nconst any: unknown = 1;\nlet a = any as any;\nlet b: Map<string, any>;\n`;
    expect(offenders(anyTypes(modules({ "worker/a.ts": text, "test/a.ts": text })))).toEqual([
      "worker/a.ts: line 3: the type any",
      "worker/a.ts: line 4: the type any",
    ]);
  });

  test("refuse names that say nothing", () => {
    const paths = [
      "core/utils.ts",
      "test/test-helpers/a.ts",
      "core/common/a.ts",
      "core/lock-manager.ts",
      "core/uncommon.ts",
    ];
    expect(emptyNames(paths.map((path) => ({ path, text: "" }))).map(({ path }) => path)).toEqual(paths.slice(0, 4));
  });
});

test("the rule on letters finds two files of one folder that share one", () => {
  const header = (path: string, letter: string) => ({ path, text: `/**\n * ${letter}1. Holds.\n */\n` });
  const files = [header("core/hub/a.ts", "A"), header("core/hub/b.ts", "A"), header("core/store/c.ts", "A")];
  expect(offenders(sharedLetters(files))).toEqual(["core/hub/b.ts: has rules A1 …, as core/hub/a.ts has"]);
});

describe("the rule on guarantees", () => {
  const found = (page: string): string[] =>
    offenders(
      emptyGuarantees([
        { path: "GUARANTEES.md", text: page },
        { path: "test/a.test.ts", text: `it("holds", run);` },
      ]),
    ).filter((offence) => !offence.includes("has no test"));

  test("finds what is named and not there", () => {
    expect(found(`- [A](test/a.test.ts): "holds"; [G](#g1)`)).toEqual([]);
    expect(found(`- [A](test/a.test.ts): "holds"; "breaks"`)).toEqual([
      'GUARANTEES.md: line 1: test/a.test.ts does not say "breaks"',
    ]);
    expect(found(`\n| [B](test/b.test.ts) "holds" |`)).toEqual(["GUARANTEES.md: line 2: there is no test/b.test.ts"]);
  });

  test("finds guarantees that name no test", () => {
    const page = "### G1\n\n- [A](test/a.test.ts)\n\n### G2\n\nnothing\n";
    const bare = offenders(emptyGuarantees([{ path: "GUARANTEES.md", text: page }])).filter((one) =>
      one.includes("no test"),
    );
    expect(bare).not.toContain("GUARANTEES.md: G1 has no test");
    expect(bare).toContain("GUARANTEES.md: G2 has no test");
  });
});

describe("the rules on traces", () => {
  const found = (rule: typeof machinePaths, text: string): number => rule([{ path: "README.md", text }]).length;

  test("find absolute paths, but not relative ones or addresses", () => {
    for (const folder of ["work", "root", "home"]) expect(found(machinePaths, `see "/${folder}/me/project"`)).toBe(1);
    expect(
      found(machinePaths, `import "./work/item.ts"; import "../work/a.ts"; fetch("https://a.example/work/b")`),
    ).toBe(0);
  });

  test("find registries, but not member calls", () => {
    const host = ["registry", "npmjs", "org"].join(".");
    for (const text of [
      `https://${host}/a`,
      host,
      `${JSON.stringify("resolved")}: "http`,
      `https://npm-${"mirror"}.example:4873/`,
    ]) {
      expect(found(registryHosts, text)).toBe(1);
    }
    expect(found(registryHosts, "registry.orchestrators.get(name); // https://www.npmjs.com/package/holdfast")).toBe(0);
  });
});
