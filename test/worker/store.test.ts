/** The store over a Durable Object, in workerd: the store contract, and what each operation costs. */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { DurableObjectStore } from "../../adapters/durable-objects/index.ts";
import { storeConformance } from "../conformance/suite.ts";

let objectCount = 0;

/** Runs inside a Durable Object that nothing was ever written to. */
async function inFreshObject(run: (storage: DurableObjectStorage) => Promise<void>): Promise<void> {
  const stub = env.TASK_HUBS.getByName(`store-${++objectCount}`);
  await runInDurableObject(stub, async (_, state) => await run(state.storage));
}

storeConformance(
  "DurableObjectStore",
  (run) =>
    inFreshObject((storage) =>
      run({ store: new DurableObjectStore(storage), connect: () => new DurableObjectStore(storage) }),
    ),
  { isSynchronous: true },
);
