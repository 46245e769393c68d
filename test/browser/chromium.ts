/** Where Chromium is, how it is brought to a machine that has none, and the databases that it can keep IndexedDB in. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** Where Debian's package puts it. */
const PACKAGED = "/usr/bin/chromium";
const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What Chromium is started with: nothing of it reaches for the network, and a container needs no privileges to run it. */
export const CHROMIUM_ARGUMENTS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The databases that Chromium can keep IndexedDB in, with the arguments that choose it. LevelDB is the default of today, SQLite comes after it. */
export const BACK_ENDS = {
  LevelDB: [],
  SQLite: ["--enable-features=IdbSqliteBackingStore,IdbSqliteOnDiskRollout"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type BackEnd = keyof typeof BACK_ENDS;
export const BACK_END_NAMES = Object.keys(BACK_ENDS) as readonly BackEnd[];

/** Where this process keeps the profiles of the browsers that it starts for one run. */
export const PROFILES = join(tmpdir(), `holdfast-chromium-${process.pid}`);

/** The Chromium of this machine: what `CHROMIUM_PATH` names, else an installed one. Where there is none yet, the path that `ensureChromium` will put it at. */
export function chromiumPath(): string {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen) return chosen;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const installed = folders.flatMap((folder) => COMMANDS.map((command) => join(folder, command)));
  return [...installed, chromium.executablePath()].find((path) => existsSync(path)) ?? PACKAGED;
}

/**
 * Installs Chromium with the machine's package system when there is none at `path`.
 * @throws Error that says what to do, when that does not work.
 */
export function ensureChromium(path: () => string = chromiumPath): void {
  if (existsSync(path())) return;
  if (process.env.CHROMIUM_PATH)
    throw new Error(`CHROMIUM_PATH names '${process.env.CHROMIUM_PATH}', which is not there.`);
  console.error("Installing Chromium for the tests that run in it …");
  const said = new Set(["update", "install --yes --no-install-recommends chromium"].map(aptGet));
  if (existsSync(path())) return;
  said.delete("");
  throw new Error(
    `The tests in a browser need Chromium; none is installed, and apt-get could not install it:\n${[...said].join("\n") || "it found nothing to do"}\n` +
      "Install it (as root: `apt-get install chromium`; as anybody: `npx playwright-core install chromium`), or name one in CHROMIUM_PATH.",
  );
}

/** Runs apt-get quietly, as root if need be; gives what it said when it failed. */
function aptGet(task: string): string {
  const words = ["apt-get", "-qq", ...task.split(" ")];
  const [command = "", ...rest] = process.getuid?.() === 0 ? words : ["sudo", "--non-interactive", ...words];
  const { status, error, stdout, stderr } = spawnSync(command, rest, {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
  });
  if (error) return `${command}: ${error.message}`;
  return status === 0 ? "" : `${words.join(" ")}: ${(stderr || stdout).trim()}`;
}
