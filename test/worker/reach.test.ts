/** How the front deals with an object that fails. */
import { describe, expect, test } from "vitest";
import { askObject, type ObjectNamespace } from "../../worker/reach.ts";

/** Objects whose stubs fail in this order, and answer after that. Counts the stubs. */
function failing(...failures: readonly object[]): ObjectNamespace & { readonly stubs: string[] } {
  const stubs: string[] = [];
  const left = [...failures];
  return {
    stubs,
    getByName: (name) => {
      stubs.push(name);
      return {
        fetch: async () => {
          const failure = left.shift();
          if (failure) throw Object.assign(new Error("the object's own words"), failure);
          return new Response("served");
        },
      };
    },
  };
}

const ask = (namespace: ObjectNamespace, method = "GET") =>
  askObject(namespace, "orders", new Request("http://localhost/", { method }));

describe("an object that fails", () => {
  test("for a moment is asked again with a new stub, when the request only reads", async () => {
    for (const method of ["GET", "HEAD"]) {
      const namespace = failing({ retryable: true }, { durableObjectReset: true });
      expect((await ask(namespace, method)).status).toBe(200);
      expect(namespace.stubs).toEqual(["orders", "orders", "orders"]);
    }
  });

  test.for(["POST", "DELETE"])("for a moment is not asked again for %s", async (method) => {
    for (const failure of [{ retryable: true }, { durableObjectReset: true }]) {
      const namespace = failing(failure);
      await expect(ask(namespace, method)).rejects.toMatchObject({ code: "hubUnavailable", name: "RequestError" });
      expect(namespace.stubs).toHaveLength(1);
    }
  });

  test("for long is unavailable", async () => {
    const namespace = failing({ retryable: true }, { retryable: true }, { retryable: true }, { retryable: true });
    await expect(ask(namespace)).rejects.toMatchObject({ code: "hubUnavailable" });
    expect(namespace.stubs).toHaveLength(3);
  });

  test("for overload is left alone", async () => {
    const namespace = failing({ overloaded: true, retryable: true });
    await expect(ask(namespace)).rejects.toMatchObject({ code: "hubOverloaded" });
    expect(namespace.stubs).toHaveLength(1);
  });

  test("for any other reason is an error like any other", async () => {
    const namespace = failing({ remote: true });
    await expect(ask(namespace)).rejects.toThrow("the object's own words");
    expect(namespace.stubs).toHaveLength(1);
  });
});
