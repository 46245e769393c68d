/** Builds the package from a copy of its sources, packs it, and unpacks it as an application would have it: nothing that is not packed is tested. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { APPLICATION, INSTALLED } from "./paths.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BUILT = `${APPLICATION}/build`;
const SOURCES = [
  "core",
  "adapters",
  "worker",
  "test/conformance",
  "package.json",
  "tsconfig.json",
  "tsdown.config.ts",
  "README.md",
  "LICENSE",
];

export default function setUp(): void {
  rmSync(APPLICATION, { recursive: true, force: true });
  mkdirSync(BUILT, { recursive: true });
  for (const source of SOURCES) cpSync(`${ROOT}/${source}`, `${BUILT}/${source}`, { recursive: true });
  const tsconfig = readFileSync(`${BUILT}/tsconfig.json`, "utf8");
  // The other rooms are not there.
  writeFileSync(`${BUILT}/tsconfig.json`, tsconfig.replace(/"references": \[[^\]]*\]/, '"references": []'));
  run(process.execPath, [`${ROOT}/node_modules/tsdown/dist/run.mjs`, "--log-level", "warn"]);
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", BUILT]);
  const archive = readdirSync(BUILT).find((name) => name.endsWith(".tgz"));
  mkdirSync(INSTALLED, { recursive: true });
  run("tar", ["-xzf", `${BUILT}/${archive}`, "--strip-components=1", "-C", INSTALLED]);
  writeFileSync(`${APPLICATION}/package.json`, JSON.stringify({ name: "application", private: true, type: "module" }));
}

function run(command: string, options: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, options, { cwd: BUILT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${options.join(" ")} failed:\n${stdout}\n${stderr}`);
}
