/** Planted bugs in what activities are held to, in whom a turn tells, and in what stores leave behind. */
import type { Mutant } from "./mutants.ts";

export const FURTHER_MUTANTS: readonly Mutant[] = [
  {
    says: "heartbeats do not move the limit of silence",
    file: "core/hub/activity-attempt.ts",
    find: "consider(silenceMs, this.#pulse.beatAtMs",
    replace: "consider(silenceMs, this.#pulse.startedAtMs",
  },
  {
    says: "of two limits of time the later one counts",
    file: "core/hub/activity-attempt.ts",
    find: "first.atMs <= fromMs + timeoutMs)) return;",
    replace: "first.atMs >= fromMs + timeoutMs)) return;",
  },
  {
    says: "the end of one attempt stops the writing of heartbeats for all",
    file: "core/hub/heartbeats.ts",
    find: "if (this.#unwritten.delete(job) && this.#unwritten.size === 0) this.#stop();",
    replace: "if (this.#unwritten.delete(job)) this.#stop();",
  },
  {
    says: "a failure loses the details that were said before a restart",
    file: "core/hub/activity-attempt.ts",
    find: "const details = this.#pulse?.details ?? this.job.lastHeartbeat;",
    replace: "const details = this.#pulse?.details;",
  },
  {
    says: "activities that continueAsNew leaves behind go on",
    file: "core/hub/staging.ts",
    find: "const isOver = isFinal(status) || outcome.continuation !== undefined;",
    replace: "const isOver = isFinal(status);",
  },
  {
    says: "the next generation is nobody's child",
    file: "core/hub/outcome.ts",
    find: "      ...(record.parent && { parentInstance: record.parent }),\n",
    replace: "",
  },
  {
    says: "a refusal is told before the commit that it rests on",
    file: "core/hub/group.ts",
    find: "if (message.ack) this.acks.push({ message, refusal });",
    replace: "message.ack?.reject(refusal);",
  },
  {
    says: "cleaning takes the locks of suspended holders",
    file: "core/hub/entity-client.ts",
    find: "stored.record.executionId === owner.executionId && !isFinal(stored.record.status)",
    replace: 'stored.record.executionId === owner.executionId && stored.record.status === "Running"',
  },
  {
    says: "locks are asked for in the order given",
    file: "core/replay/entity-calls.ts",
    find: "toString()))].sort();",
    replace: "toString()))];",
  },
  {
    says: "the answer of an entity that comes after a failure is lost",
    file: "core/hub/admission.ts",
    find: "  if (isLateAnswer(message, record) && !isStale(record as InstanceRecord, message)) {",
    replace: "  if (false as boolean) {",
  },
  {
    says: "pieces of a long record stay when it has become short",
    file: "adapters/sql/write.ts",
    find: "  if (old.isLong && text !== null) dropChunks(driver, place);\n",
    replace: "",
  },
  {
    says: "pieces of the turns of an ended generation stay",
    file: "adapters/sql/write.ts",
    find: "  driver.run(`DELETE FROM holdfast_chunks WHERE hub = ?1 AND instanceId = ?2 AND kind = 'turn'`, hub, id);\n",
    replace: "",
  },
  {
    says: "the rows of the journal stay after a fold",
    file: "adapters/indexeddb/fold.ts",
    find: '      store("journal").delete(positions(hub, row.folded, through));\n',
    replace: "",
  },
];
