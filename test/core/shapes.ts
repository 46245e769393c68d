/** One scenario, three orchestrators: what a script of tasks does must not depend on the shape it is written in. */
import { defineOrchestrator, type OrchestrationContext, type OrchestratorDefinition, type Task } from "holdfast";
import { describe } from "vitest";

/** An orchestrator's code as a generator of tasks. */
export type Script<TInput, TOutput> = (
  ctx: OrchestrationContext,
  input: TInput,
) => Generator<Task<unknown>, TOutput, unknown>;

export const SHAPES = ["async function", "generator", "async generator"] as const;
export type Shape = (typeof SHAPES)[number];

/** Makes an orchestrator of a script. */
export type Define = <TInput, TOutput>(
  name: string,
  script: Script<TInput, TOutput>,
) => OrchestratorDefinition<TInput, TOutput>;

/** Steps through a script, one task after the other, the way the shape waits. */
function inShape<TInput, TOutput>(
  shape: Shape,
  name: string,
  script: Script<TInput, TOutput>,
): OrchestratorDefinition<TInput, TOutput> {
  switch (shape) {
    case "generator":
      return defineOrchestrator(name, function* (ctx: OrchestrationContext, input: TInput) {
        return yield* script(ctx, input);
      });
    case "async function":
      return defineOrchestrator(name, async (ctx: OrchestrationContext, input: TInput): Promise<TOutput> => {
        const steps = script(ctx, input);
        let step = steps.next();
        while (!step.done) {
          let result: unknown;
          try {
            result = await step.value;
          } catch (error) {
            step = steps.throw(error);
            continue;
          }
          step = steps.next(result);
        }
        return step.value;
      }) as OrchestratorDefinition<TInput, TOutput>;
    case "async generator":
      return defineOrchestrator(name, async function* (ctx: OrchestrationContext, input: TInput) {
        const steps = script(ctx, input);
        let step = steps.next();
        while (!step.done) {
          let result: unknown;
          try {
            result = yield step.value;
          } catch (error) {
            step = steps.throw(error);
            continue;
          }
          step = steps.next(result);
        }
        return step.value;
      });
  }
}

/** The makers of all three shapes, for tables of tests. */
export const DEFINERS: readonly (readonly [Shape, Define])[] = SHAPES.map((shape) => [
  shape,
  (name, script) => inShape(shape, name, script),
]);

/** Runs a group of tests once for each shape. */
export function inEveryShape(title: string, tests: (define: Define, shape: Shape) => void): void {
  for (const [shape, define] of DEFINERS) describe(`${title}, as ${shape}`, () => tests(define, shape));
}
