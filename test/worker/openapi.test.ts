/** The OpenAPI description says what the routes do. */
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../core/logger.ts";
import { managementApi } from "../../worker/api/management-api.ts";
import { MANAGEMENT_PATH } from "../../worker/api/management-uris.ts";
import { openApiDocument } from "../../worker/api/openapi.ts";
import { createFront } from "../../worker/front.ts";
import { settingsOf } from "../../worker/options.ts";

interface Parameter {
  readonly name?: string;
  readonly in?: string;
  readonly $ref?: string;
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Record<string, unknown>;
}

const settings = settingsOf<object>({ functions: [], logger: silentLogger, key: "k" });
const paths = openApiDocument.paths as Record<string, Record<string, Operation>>;
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** A path with its parameters made alike: what they are called is each side's own business. */
function shapeOf(path: string): string {
  return path.replace(/\{[^}]+\}|:[A-Za-z]+/g, "{}");
}

describe("the description", () => {
  test("is at the root, for anybody", async () => {
    const response = await createFront(settings).request("https://hubs.example/openapi.json");
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "application/json"]);
    expect(await response.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: MANAGEMENT_PATH }] });
  });

  test("has every route, and no other", () => {
    const routes = managementApi(settings).routes.flatMap(({ method, path }) => {
      const below = path.slice(MANAGEMENT_PATH.length);
      const variants = below.endsWith("?") ? [below.slice(0, -1), below.replace(/\/:[A-Za-z]+\?$/, "")] : [below];
      return variants.map((variant) => `${method} ${shapeOf(variant)}`);
    });
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${shapeOf(path)}`);
    expect(described.sort()).toEqual([...new Set(routes)].sort());
  });

  test("names each operation once", () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  test("has a parameter for every part of a path", () => {
    for (const { path, operation } of operations) {
      const inPath = operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => `{${name}}`);
      expect(inPath).toEqual(path.match(/\{[^}]+\}/g) ?? []);
    }
  });

  test("refers only to what it has", () => {
    const references = JSON.stringify(openApiDocument).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, reference] of references) {
      const found = reference!
        .split("/")
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)?.[part], openApiDocument);
      expect(found, reference).toBeDefined();
    }
  });

  test("tells of every operation how it can be refused", () => {
    for (const { operation } of operations) {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(["400", "401", "403", "503"]));
    }
  });
});
