/** What every host owes the engine: `afterMicrotasks` calls back when the microtask queue has run empty, from wherever it is asked. */
import { type Host, systemHost } from "holdfast";
import { awaitNull } from "./promises.ts";
import { mustBe } from "./rehearsal.ts";

const CHAIN = 5_000;

/** Asks for the callback first and starts the chain afterwards, so that a host that merely queues the callback calls it too early. */
function race(host: Host, done: (order: string[]) => void): void {
  const order: string[] = [];
  host.afterMicrotasks(() => {
    order.push("after");
    if (order.length === 2) done(order);
  });
  void awaitNull(CHAIN, false).then(() => {
    order.push("chain");
    if (order.length === 2) done(order);
  });
}

async function mustComeAfter(start: (host: Host, done: (order: string[]) => void) => void): Promise<void> {
  const order = await new Promise<string[]>((resolve) => start(systemHost(), resolve));
  mustBe(order, ["chain", "after"], "The order");
}

export const barrierCases: Readonly<Record<string, () => Promise<void>>> = {
  "asked in synchronous code of a task of the event loop": () =>
    mustComeAfter((host, done) => void setTimeout(() => race(host, done), 0)),

  "asked inside a microtask": () => mustComeAfter((host, done) => void Promise.resolve().then(() => race(host, done))),

  "asked deep inside a chain of microtasks": () =>
    mustComeAfter((host, done) => void awaitNull(1_000, false).then(() => race(host, done))),

  "asked inside its own callback": () => mustComeAfter((host, done) => host.afterMicrotasks(() => race(host, done))),

  "asked again and again inside its own callback": async () => {
    const host = systemHost();
    const rounds = 20;
    await new Promise<void>((resolve, reject) => {
      const round = (left: number): void => {
        if (left === 0) resolve();
        else
          race(host, (order) => {
            if (order[0] === "chain") round(left - 1);
            else reject(new Error(`Round ${rounds - left + 1}: the callback came before the chain had ended.`));
          });
      };
      round(rounds);
    });
  },

  "asked by several hosts at once": async () => {
    await Promise.all(Array.from({ length: 8 }, () => mustComeAfter(race)));
  },

  "asked while chains begin in the callbacks of another host": async () => {
    const [one, other] = [systemHost(), systemHost()];
    const order = await new Promise<string[]>((resolve) => {
      one.afterMicrotasks(() => race(one, resolve));
      other.afterMicrotasks(() => other.afterMicrotasks(() => {}));
    });
    mustBe(order, ["chain", "after"], "The order");
  },

  "asked while asynchronous iteration and nested promises are under way": async () => {
    const host = systemHost();
    const order: string[] = [];
    const count = async function* (): AsyncGenerator<number> {
      for (let i = 0; i < 1_000; i++) yield i;
    };
    const read = async (): Promise<void> => {
      for await (const _ of count());
      order.push("chain");
    };
    const after = new Promise<void>((resolve) =>
      host.afterMicrotasks(() => {
        order.push("after");
        resolve();
      }),
    );
    await Promise.all([read(), after]);
    mustBe(order, ["chain", "after"], "The order");
  },
};
