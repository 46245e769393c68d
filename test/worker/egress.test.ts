/** The egress policy in workerd: its URL parser is another one, and the policy must judge the same. */
import { describe, expect, it } from "vitest";
import { EgressPolicy } from "../../core/http/egress.ts";
import { REACHED, REFUSED } from "../core/addresses.ts";

async function judge(url: string): Promise<string> {
  try {
    await new EgressPolicy().check(new URL(url));
    return "reached";
  } catch (error) {
    return (error as Error).name;
  }
}

describe("the egress policy, in workerd", () => {
  it.for(REFUSED)("refuses %s: %s", async ([, url]) => {
    expect(await judge(url)).toBe("EgressDeniedError");
  });

  it.for(REACHED)("allows %s: %s", async ([, url]) => {
    expect(await judge(url)).toBe("reached");
  });
});
