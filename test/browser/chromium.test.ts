/** A machine that has no Chromium and cannot get one. */
import { afterEach, expect, test, vi } from "vitest";
import { ensureChromium } from "./chromium.ts";

const nowhere = (): string => "/nowhere/chromium";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("a machine without Chromium and apt-get is told what to do", () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  vi.stubEnv("CHROMIUM_PATH", "");
  vi.stubEnv("PATH", "/nowhere");
  expect(() => ensureChromium(nowhere)).toThrow(
    /(apt-get|sudo): spawnSync \1 ENOENT\nInstall it \(as root: .+; as anybody: .+\), or name one in CHROMIUM_PATH\.$/,
  );
  expect(told).toHaveBeenCalledWith("Installing Chromium for the tests that run in it …");
});

test("a Chromium that is named and not there is not replaced by another", () => {
  vi.stubEnv("CHROMIUM_PATH", nowhere());
  expect(() => ensureChromium(nowhere)).toThrow("CHROMIUM_PATH names '/nowhere/chromium', which is not there.");
});
