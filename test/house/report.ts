/** Prints every offence against the house's rules, and fails when there is one: `npm run house`. */
import { fileURLToPath } from "node:url";
import { inspect } from "./rules.ts";
import { readSources } from "./sources.ts";

for (const [rule, offences] of inspect(readSources(fileURLToPath(new URL("../..", import.meta.url))))) {
  if (offences.length === 0) continue;
  process.exitCode = 1;
  console.error(`Broken: ${rule}\n${offences.map(({ path, says }) => `  ${path}: ${says}`).join("\n")}`);
}
