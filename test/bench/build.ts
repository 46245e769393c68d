/** What is measured is what is shipped: the built package, made anew when the sources are newer. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
const SOURCES = ["core/", "adapters/", "worker/", "package.json", "tsdown.config.ts"];
const ENTRY = "dist/core/index.js";

/**
 * Builds the package when `dist` is missing or older than a source of it.
 * @throws Error when the build fails.
 */
export function buildIfStale(): void {
  const entry = new URL(ENTRY, ROOT);
  const newestSourceMs = Math.max(...SOURCES.map((path) => newestMs(new URL(path, ROOT))));
  if (existsSync(entry) && statSync(entry).mtimeMs > newestSourceMs) return;
  console.error("Building the package …");
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: fileURLToPath(ROOT),
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error("npm run build failed; what it said stands above.");
}

/** When a file, or anything in a folder, was last changed. */
function newestMs(url: URL): number {
  if (!existsSync(url)) return 0;
  const self = statSync(url);
  if (!self.isDirectory()) return self.mtimeMs;
  const inside = readdirSync(url, { withFileTypes: true });
  return Math.max(
    0,
    ...inside.map((entry) =>
      newestMs(new URL(`${encodeURIComponent(entry.name)}${entry.isDirectory() ? "/" : ""}`, url)),
    ),
  );
}
