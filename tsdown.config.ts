import { defineConfig } from "tsdown";
import packageJson from "./package.json" with { type: "json" };

/** Every JavaScript entry of `exports` is built from the source file of the same path: adding one there adds it here. */
const entries = Object.values(packageJson.exports)
  .filter((target) => target.endsWith(".js"))
  .map((target) => target.slice("./dist/".length, -".js".length));

export default defineConfig({
  entry: Object.fromEntries(entries.map((entry) => [entry, `${entry}.ts`])),
  format: "esm",
  platform: "neutral",
  target: "es2022",
  unbundle: true,
  sourcemap: true,
  dts: { oxc: true, sourcemap: true },
  deps: {
    neverBundle: ["cloudflare:workers", /^node:/],
    onlyImport: [
      "cloudflare:workers",
      /^node:/,
      ...Object.keys(packageJson.dependencies),
      ...Object.keys(packageJson.peerDependencies),
    ],
  },
  logLevel: "warn",
  failOnWarn: true,
  publint: true,
  attw: { profile: "esm-only", level: "error" },
});
