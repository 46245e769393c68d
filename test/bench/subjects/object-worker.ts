/** The Worker of the lines about Durable Objects: each request is one round in an object of its own, and its answer comes when all of it is durable. */
import { DurableObjectStore, type ObjectStorage } from "holdfast/durable-objects";
import { type Bench, Meter, type Round } from "../subject.ts";
import { expectedOutput, stepsOf, TURN_FOR_EACH_ROW, type Variant, type Workload } from "../workload.ts";
import { HoldfastBench } from "./holdfast-bench.ts";

/** What a round is asked for. */
export interface RoundRequest {
  readonly engine: "holdfast" | "none";
  readonly variant: Variant;
  readonly workload: Workload;
}

/** What a round answers. */
export interface RoundAnswer {
  readonly outputs: readonly unknown[];
  readonly activityRuns: number;
}

/** Rows that share a transaction without an engine. */
const ROWS_PER_COMMIT = 1_000;

interface Storage extends ObjectStorage {
  sync(): Promise<void>;
}

export class BenchObject {
  readonly #storage: Storage;

  constructor(ctx: { readonly storage: Storage }) {
    this.#storage = ctx.storage;
  }

  async fetch(request: Request): Promise<Response> {
    const { engine, variant, workload } = (await request.json()) as RoundRequest;
    const meter = new Meter(() => {});
    const bench = engine === "none" ? this.#limit(variant, meter) : this.#holdfast(variant, meter);
    const round = await bench.round(workload);
    const outputs = await round.run();
    await this.#storage.sync();
    const answer: RoundAnswer = { outputs, activityRuns: meter.runs };
    await round.end();
    return Response.json(answer);
  }

  #holdfast(variant: Variant, meter: Meter): Bench {
    const store = new DurableObjectStore(this.#storage);
    return new HoldfastBench(variant, meter, async () => ({ store, async discard() {} }));
  }

  /** One row for every activity: in a transaction of its own when nothing may go on before, in batches otherwise. */
  #limit({ code }: Variant, meter: Meter): Bench {
    const { sql } = this.#storage;
    const events = "x".repeat(300);
    const insert = (row: number): void => {
      sql.exec("INSERT INTO turns (atMs, events) VALUES (?, ?)", row, events);
      meter.tick();
    };
    const round = (workload: Workload): Round => ({
      run: async () => {
        sql.exec("CREATE TABLE turns (id INTEGER PRIMARY KEY, atMs INTEGER, events TEXT)");
        const [rows, batch] = [stepsOf(workload), workload.kind === "sequential" ? 1 : ROWS_PER_COMMIT];
        for (let first = 0; first < rows; first += batch) {
          this.#storage.transactionSync(() => {
            for (let row = first; row < Math.min(rows, first + batch); row++) insert(row);
          });
          if (code === TURN_FOR_EACH_ROW) await new Response("x").text();
        }
        const instances = workload.kind === "instances" ? workload.instances : 1;
        return Array.from({ length: instances }, (_, index) => expectedOutput(workload, index));
      },
      async end() {},
    });
    return { round: async (workload) => round(workload) };
  }
}

interface Env {
  readonly OBJECTS: { getByName(name: string): { fetch(request: Request): Promise<Response> } };
}

export default {
  fetch: (request: Request, { OBJECTS }: Env): Promise<Response> =>
    OBJECTS.getByName(new URL(request.url).pathname).fetch(request),
};
