/** The package as it is packed: every entry loads, says the same names as its source, and its declarations stand by themselves. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { parseModule } from "../house/sources.ts";
import { anyTypes } from "../house/style.ts";
import { APPLICATION, INSTALLED } from "./paths.ts";

const ENTRIES = Object.entries(packageJson.exports).filter(([, target]) => target.endsWith(".js"));
/** Entries that only another runtime can load, with what Node says of the module it lacks. */
const ELSEWHERE: Readonly<Record<string, string>> = { "./worker": "protocol 'cloudflare:'" };

function filesOf(ending: string): string[] {
  const files = readdirSync(INSTALLED, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.startsWith("dist") && file.endsWith(ending));
}

/** What a script of the application prints. */
function printed(script: string): string {
  writeFileSync(`${APPLICATION}/script.js`, script);
  return execFileSync(process.execPath, ["script.js"], { cwd: APPLICATION, encoding: "utf8" }).trim();
}

describe("the packed package", () => {
  it.each(ENTRIES)("has %s, with declarations, and its names are those of the source", async (subpath, target) => {
    const files = [...filesOf(".js"), ...filesOf(".d.ts")];
    expect(files).toContain(target.slice(2));
    expect(files).toContain(target.slice(2).replace(/\.js$/, ".d.ts"));
    const name = `holdfast${subpath.slice(1)}`;
    const load = `import(${JSON.stringify(name)}).then((all) => Object.keys(all).sort().join(), (error) => error.message).then(console.log)`;
    const missing = ELSEWHERE[subpath];
    if (missing) {
      expect(printed(load)).toContain(missing);
      return;
    }
    const source = new URL(`../../${target.replace("./dist/", "").replace(/\.js$/, ".ts")}`, import.meta.url);
    expect(printed(load)).toBe(
      Object.keys((await import(source.href)) as object)
        .sort()
        .join(),
    );
  });

  it("runs an orchestration in an application that knows nothing of the sources", () => {
    const script = `
      import { defineActivity, defineOrchestrator, TaskHub } from "holdfast";
      const hello = defineActivity("hello", (_ctx, city) => "Hello, " + city + "!");
      const greet = defineOrchestrator("greet", async (ctx, city) => await ctx.callActivity(hello, city));
      await using hub = await TaskHub.open({ functions: [hello, greet] });
      const id = await hub.scheduleNewOrchestration(greet, "Tokyo");
      console.log((await hub.waitForOrchestrationCompletion(id)).output);`;
    expect(printed(script)).toBe("Hello, Tokyo!");
  });

  it("has no any in a declaration", () => {
    const declarations = filesOf(".d.ts").map((file) =>
      parseModule({ path: file.slice("dist/".length), text: readFileSync(`${INSTALLED}/${file}`, "utf8") }),
    );
    expect(declarations.length).toBeGreaterThan(50);
    expect(anyTypes(declarations)).toEqual([]);
  });

  it("compiles strictly for a user of it, libraries checked too", () => {
    const names = ENTRIES.map(([subpath]) => `holdfast${subpath.slice(1)}`).filter((name) => !name.endsWith("/worker"));
    const imports = names.map((name, index) => `import * as entry${index} from "${name}";\nvoid entry${index};\n`);
    writeFileSync(`${APPLICATION}/user.ts`, `${imports.join("")}${USER}`);
    const options = { target: "ES2024", module: "NodeNext", strict: true, noEmit: true, skipLibCheck: false };
    const compilerOptions = { ...options, lib: ["ES2024", "ESNext", "DOM"], types: ["node"] };
    writeFileSync(`${APPLICATION}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ["user.ts"] }));
    const tsc = new URL("../../node_modules/typescript/bin/tsc", import.meta.url);
    const { stdout } = spawnSync(process.execPath, [fileURLToPath(tsc), "-p", "."], {
      cwd: APPLICATION,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
  });
});

const USER = `
import { defineActivity, defineOrchestrator, TaskHub } from "holdfast";
const length = defineActivity("length", (_ctx, text: string) => text.length);
const sum = defineOrchestrator("sum", async (ctx, texts: string[]) => {
  let total = 0;
  for (const text of texts) total += await ctx.callActivity(length, text);
  return total;
});
const hub = await TaskHub.open({ functions: [length, sum] });
const id = await hub.scheduleNewOrchestration(sum, ["a"]);
const output: number | undefined = (await hub.waitForOrchestrationCompletion(id)).output;
// @ts-expect-error the input is a list of texts
await hub.scheduleNewOrchestration(sum, [1]);
// @ts-expect-error the output is a number
const wrong: string | undefined = (await hub.waitForOrchestrationCompletion(id)).output;
void [output, wrong];
`;
