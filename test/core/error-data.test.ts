import * as holdfast from "holdfast";
import {
  EntityOperationFailedError,
  HoldfastError,
  InstanceNotFoundError,
  PayloadError,
  TaskFailedError,
  ValidationError,
} from "holdfast";
import { describe, expect, it } from "vitest";
import { errorData, reviveError } from "../../core/error-data.ts";
import { failureDetails } from "../../core/failure.ts";

/** There and back, the way another tab or an HTTP client gets it. */
function sent(error: unknown): unknown {
  return reviveError(JSON.parse(JSON.stringify(errorData(error))) as ReturnType<typeof errorData>);
}

describe("an error that is sent as data", () => {
  it("keeps its class, name, code, message and stack", () => {
    const error = new InstanceNotFoundError("order-1");
    const back = sent(error) as InstanceNotFoundError;
    expect(back).toBeInstanceOf(InstanceNotFoundError);
    expect(back).toBeInstanceOf(Error);
    expect([back.name, back.code, back.message, back.stack]).toEqual([
      error.name,
      error.code,
      error.message,
      error.stack,
    ]);
    expect(Object.keys(back)).toEqual(Object.keys(error));
  });

  it("keeps its class whichever of the catalogue it is", () => {
    const classes = Object.values(holdfast).filter(
      (value) => typeof value === "function" && value.prototype instanceof HoldfastError,
    ) as (typeof HoldfastError)[];
    expect(classes.length).toBeGreaterThan(20);
    for (const errorClass of classes) {
      const error = Reflect.construct(HoldfastError, ["some", "text"], errorClass) as Error;
      const back = sent(error) as Error;
      expect(back.constructor, errorClass.errorName).toBe(errorClass);
      expect(back.name).toBe(errorClass.errorName);
    }
  });

  it("keeps its own fields, rich values among them", () => {
    expect(sent(new PayloadError("too large", { path: "$.a[3]" }))).toMatchObject({ path: "$.a[3]", code: "payload" });
    const issues = [{ message: "no", path: ["a", 1n], at: new Date(0) }];
    expect(sent(new ValidationError("refused", issues))).toMatchObject({ issues });
  });

  it("keeps the failure of a call with its methods", () => {
    const failure = failureDetails({
      errorType: "Outer",
      errorMessage: "outer",
      isNonRetriable: true,
      innerFailure: { errorType: "Inner", errorMessage: "inner" },
    });
    const task = sent(new TaskFailedError("failed", failure)) as TaskFailedError;
    expect(task.failure.isCausedBy("Inner")).toBe(true);
    expect(task.failure.isNonRetriable).toBe(true);
    const operation = sent(new EntityOperationFailedError("@a@b", "add", failure)) as EntityOperationFailedError;
    expect(operation).toBeInstanceOf(EntityOperationFailedError);
    expect([operation.entityId, operation.operationName, operation.failure.errorType]).toEqual([
      "@a@b",
      "add",
      "Outer",
    ]);
  });

  it("of a class that is not known here keeps its name and code", () => {
    class StoreError extends HoldfastError {
      static override readonly errorName: string = "StoreError";
    }
    const back = sent(new StoreError("storeFull", "no room")) as HoldfastError;
    expect(back).toBeInstanceOf(HoldfastError);
    expect([back.name, back.code, back.message]).toEqual(["StoreError", "storeFull", "no room"]);
  });

  it("that is none of the catalogue comes back as the built-in one it extends", () => {
    class Special extends TypeError {
      override readonly name = "Special";
      readonly detail = 7;
    }
    const back = sent(new Special("odd")) as Special;
    expect(back).toBeInstanceOf(TypeError);
    expect([back.name, back.message, back.detail]).toEqual(["Special", "odd", 7]);
    expect(sent("just text")).toBe("just text");
    expect(sent(undefined)).toBe(undefined);
    expect(sent(Object.assign(new Error("holds a function"), { call: () => 1 }))).toMatchObject({
      message: "holds a function",
    });
  });
});
