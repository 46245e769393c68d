/** Bundles what the demo is made of: the page's script into the folder it is served from, a Worker or a Node program into one module. */
import { join } from "node:path";
import { Rolldown } from "tsdown";

/** The project's folder. */
export const ROOT = join(import.meta.dirname, "..");

/** Compiles the page's modules into `page/dist/main.js`, which the page loads. */
export async function buildPage(): Promise<void> {
  await Rolldown.build({
    input: join(ROOT, "web-demo/page/main.ts"),
    platform: "browser",
    tsconfig: join(ROOT, "tsconfig.json"),
    output: { file: join(ROOT, "web-demo/page/dist/main.js"), format: "esm", minify: true, sourcemap: true },
    logLevel: "warn",
  });
}

/** Bundles a Worker's entry, with the library in it from its sources, into the text of one module. */
export async function bundleWorker(entry: string): Promise<string> {
  const { output } = await Rolldown.build({
    input: entry,
    platform: "browser",
    tsconfig: join(ROOT, "tsconfig.json"),
    resolve: { conditionNames: ["workerd", "worker", "import", "default"] },
    external: [/^cloudflare:/, /^node:/],
    // One module: what the library loads on demand comes along.
    output: { format: "esm", sourcemap: "inline", codeSplitting: false },
    logLevel: "warn",
    write: false,
  });
  return output[0].code;
}

/** Bundles a Node program, with the library in it from its sources, into the text of one module. */
export async function bundleNode(entry: string): Promise<string> {
  const { output } = await Rolldown.build({
    input: entry,
    platform: "node",
    tsconfig: join(ROOT, "tsconfig.json"),
    output: { format: "esm", sourcemap: "inline", codeSplitting: false },
    logLevel: "warn",
    write: false,
  });
  return output[0].code;
}

if (import.meta.main) await buildPage();
