/** Something between a hub and a session: it sees every call. */
import type { StoreSession } from "holdfast";

/** Performs a call, or not. */
export type Call = (name: string, perform: () => unknown, args: readonly unknown[]) => unknown;

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

/** The session with all its calls going through `call`; it counts as fenced when `isLost` says so, too. */
export function interposed(session: StoreSession, call: Call, isLost: () => boolean = () => false): StoreSession {
  return new Proxy(session, {
    get: (target, key) => {
      if (key === "isFenced") return isLost() || target.isFenced;
      if (typeof key !== "string" || typeof Reflect.get(target, key) !== "function") return Reflect.get(target, key);
      return (...args: readonly unknown[]) => call(key, () => (target as unknown as Methods)[key]?.(...args), args);
    },
  });
}
