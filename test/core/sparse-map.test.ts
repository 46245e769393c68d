import fc from "fast-check";
import { expect, it } from "vitest";
import { SparseMap } from "../../core/sparse-map.ts";

const key = fc.integer({ min: 0, max: 4 });
const change = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key, value: fc.option(fc.nat(), { nil: undefined }) }),
  fc.record({ type: fc.constant("delete" as const), key }),
  fc.record({ type: fc.constant("clear" as const) }),
);

it("a sparse map answers as a Map does, whatever was done to both", () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const sparse = new SparseMap<number, number | undefined>();
      const map = new Map<number, number | undefined>();
      for (const step of changes) {
        if (step.type === "set") {
          sparse.set(step.key, step.value);
          map.set(step.key, step.value);
        } else if (step.type === "delete") expect(sparse.delete(step.key)).toBe(map.delete(step.key));
        else {
          sparse.clear();
          map.clear();
        }
        expect([...sparse]).toEqual([...map]);
        expect([[...sparse.keys()], [...sparse.values()], sparse.size]).toEqual([
          [...map.keys()],
          [...map.values()],
          map.size,
        ]);
        for (const asked of [0, 1, 2, 3, 4])
          expect([sparse.has(asked), sparse.get(asked)]).toEqual([map.has(asked), map.get(asked)]);
      }
    }),
  );
});
