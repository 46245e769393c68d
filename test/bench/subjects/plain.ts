/**
 * The physical limit in memory: the same calls without an engine. Each payload is encoded and decoded where a durable engine must do so
 * (input and result of every activity), each call is awaited, and nothing else happens.
 */
import type { Bench, Meter, Round, Subject } from "../subject.ts";
import type { Variant, Workload } from "../workload.ts";

export const subject: Subject = {
  bench(variant: Variant, meter: Meter): Bench {
    const add = (value: number): number => {
      meter.tick();
      return value + 1;
    };
    const addOne = variant.activities === "async" ? async (value: number) => add(value) : add;
    const call = async (value: number): Promise<number> => {
      const result = await addOne(JSON.parse(JSON.stringify(value)) as number);
      return JSON.parse(JSON.stringify(result)) as number;
    };
    return {
      async round(workload: Workload): Promise<Round> {
        return { run: () => work(workload, call), async end() {} };
      },
    };
  },
};

async function work(workload: Workload, call: (value: number) => Promise<number>): Promise<readonly number[]> {
  const sequential = async (input: number, steps: number): Promise<number> => {
    let value = input;
    for (let step = 0; step < steps; step++) value = await call(value);
    return value;
  };
  switch (workload.kind) {
    case "sequential":
      return [await sequential(0, workload.steps)];
    case "fanOut": {
      const results = await Promise.all(Array.from({ length: workload.steps }, (_, input) => call(input)));
      return [results.reduce((sum, value) => sum + value, 0)];
    }
    case "instances":
      return Promise.all(Array.from({ length: workload.instances }, (_, input) => sequential(input, workload.steps)));
    case "replay":
      throw new Error("Without an engine there is no history to replay.");
  }
}
