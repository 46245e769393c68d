/** What the tests in Chromium need before the first of them: Chromium itself. When all is over, the profiles go. */
import { rmSync } from "node:fs";
import { ensureChromium, PROFILES } from "./chromium.ts";

export default function setUp(): void {
  ensureChromium();
  // Browsers are closed after the tests' own tear-down.
  process.once("exit", () => rmSync(PROFILES, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
}
