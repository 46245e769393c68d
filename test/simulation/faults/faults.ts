/** Every kind of fault the simulation knows, and how many times each has come about. */

/** What can go wrong, by number. `0` to `1` is how likely it is each time there is an occasion. */
export const FAULTS = {
  F01: ["the process dies between two events", 0.004],
  F02: ["the process dies a few microtasks after an event: at any await of its code", 0.004],
  F03: ["the process dies before a commit has reached the store: the commit is lost", 0.004],
  F04: ["the process dies when a commit is durable and before it hears of it", 0.006],
  F05: ["the process dies between two SQL statements: a torn commit", 0.0005],
  F06: ["a commit fails and changes nothing", 0.012],
  F07: ["a commit is applied and then fails", 0.012],
  F08: ["an SQL statement fails", 0.001],
  F09: ["a commit takes long", 0.03],
  F10: ["a commit is never answered", 0.005],
  F11: ["an answer of the store comes late, after others that were asked later", 0.1],
  F12: ["the process dies while it reads", 0.0008],
  F13: ["another process opens the hub while this one runs: two writers", 0.004],
  F14: ["leadership is lost while a commit is under way", 0.01],
  F15: ["the store is full for a while", 0.002],
  F16: ["a payload is too large", 0.02],
  F17: ["an activity is slow", 0.2],
  F18: ["an activity fails", 0.2],
  F19: ["an activity fails for good", 0.04],
  F20: ["an activity hangs until its signal fires or the faults end", 0.04],
  F21: ["an activity ignores its signal and answers after it", 0.3],
  F22: ["the clock jumps ahead", 0.004],
  F23: ["the clock jumps back", 0.004],
  F24: ["an alarm rings early", 0.05],
  F25: ["an alarm rings late", 0.08],
  F26: ["an alarm is lost until something else wakes the hub", 0.015],
  F27: ["an alarm rings twice", 0.08],
  F28: ["a client sends a request twice", 0.1],
  F29: ["a request arrives late, after others that were sent later", 0.15],
  F30: ["an answer to a client is lost, and the client asks again", 0.05],
  F31: ["a process keeps one orchestrator in memory and evicts all others at every turn", 0.35],
  F32: ["the code is upgraded while instances run", 0.3],
  F33: ["a message that nobody can use: to an instance, operation or event that is not there", 0.1],
  F34: ["the hub is closed in the middle of its work and opened again", 0.003],
  F35: ["the network is gone for a while", 0.006],
  F36: ["a process freezes, and thaws after another has taken over", 0.003],
  F37: ["the event loop is busy: turns of the host come late", 0.02],
  F38: ["a one-shot timer of the host rings a little early", 0.05],
  F39: ["a read fails", 0.012],
  F40: ["another version of the code is deployed, or the one before again", 0.02],
  F50: ["another process is writing to the SQLite file", 0.01],
  F51: ["a connection of IndexedDB is lost, and a transaction with it", 0.01],
  F52: ["a transaction of IndexedDB is done, and nobody hears of it", 0.015],
  F53: ["the browser closes a connection of IndexedDB between two uses", 0.01],
} as const satisfies Readonly<Record<string, readonly [says: string, probability: number]>>;

export type FaultId = keyof typeof FAULTS;
export const FAULT_IDS = Object.keys(FAULTS) as readonly FaultId[];

/** How many times each fault came about. */
export type FaultCounts = Map<FaultId, number>;
