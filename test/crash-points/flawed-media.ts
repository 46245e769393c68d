/** Media with a bug each: to see that the crash points find such things. */
import { type InstanceChange, MemoryStore, type StoreSession } from "holdfast";
import { interposed } from "./interposed.ts";
import type { Medium } from "./media.ts";
import type { MortalProcess } from "./mortal-process.ts";

type Flaw = (session: StoreSession, process: MortalProcess) => Partial<StoreSession>;

function flawed(flaw: Flaw): Medium {
  const store = new MemoryStore();
  return {
    connect: (process) => ({
      open(hub) {
        const session = store.open(hub);
        const flaws = flaw(session, process) as Record<string, unknown>;
        const mended = new Proxy(session as StoreSession, {
          get: (target, key) => {
            const member: unknown = flaws[String(key)] ?? Reflect.get(target, key);
            return typeof member === "function" ? member.bind(target) : member;
          },
        });
        const call = (name: string, perform: () => unknown): unknown => {
          if (name === "commit") process.pass("before commit");
          const answer = perform();
          if (name === "commit") process.pass("after commit");
          return answer;
        };
        return interposed(mended, call, () => process.isDead);
      },
    }),
  };
}

/** Whoever dies inside a commit leaves the first half of it. */
export function tornMedium(): Medium {
  return flawed((session, process) => ({
    commit(changes: readonly InstanceChange[]) {
      const half = Math.ceil(changes.length / 2);
      void session.commit(changes.slice(0, half));
      process.pass("inside commit");
      void session.commit(changes.slice(half));
    },
  }));
}

/** A commit is kept in memory until the next one: the last one before a death is lost. */
export function hastyMedium(): Medium {
  return flawed((session, process) => {
    let waiting: readonly InstanceChange[] = [];
    const flush = (): void => {
      if (!process.isDead) void session.commit(waiting);
      waiting = [];
    };
    return {
      commit(changes: readonly InstanceChange[]) {
        flush();
        waiting = changes;
      },
      load(instanceId: string) {
        flush();
        return session.load(instanceId);
      },
      close: flush,
    };
  });
}

/** Instances with running activities are not found again. */
export function forgetfulMedium(): Medium {
  return flawed(() => ({ openInstances: () => [] }));
}

/** Messages stay in the inbox after they were taken. */
export function repeatingMedium(): Medium {
  return flawed((session) => ({
    commit: (changes: readonly InstanceChange[]) =>
      session.commit(changes.map(({ inboxRemoved: _, ...change }) => change)),
  }));
}
