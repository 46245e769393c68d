/** What must hold at every moment, whatever goes wrong. The letters are those of the guarantees a sentence makes precise. */
export const INVARIANTS = {
  I01: "G10: only the newest session of a hub commits",
  I02: "commits of one session come one at a time",
  I03: "G2: the turns of a history follow each other without gap or repetition",
  I04: "G2: every turn begins with its start, the first one starts the instance, and time does not run backwards within a history",
  I05: "G2: the actions of a generation have ascending ids, each used once",
  I06: "G2, G3: an outcome belongs to an action that was open, and is recorded once",
  I07: "G2: nothing is recorded after the end, and the record is final exactly when the history is",
  I08: "G8: a timer is recorded as fired, and a scheduled start as begun, only when its time has come",
  I09: "G8: a stored timer belongs to an open timer of a running generation",
  I10: "G9: an instance is marked as busy exactly while activities are outstanding",
  I11: "G5: a stored message leaves the inbox only by being taken, or because its instance has gone on without it",
  I12: "G5: a stored message is stored once",
  I13: "G5: an event reaches a generation once, and only events that were sent",
  I14: "G5, G6: an operation takes effect once, and a failed one leaves no trace",
  I15: "G5: operations of one sender take effect in the order they were sent",
  I16: "G7: while an entity is locked only its holder changes it, and nobody takes it from its holder",
  I17: "G7: locks are released when their holder ends, however it ends",
  I18: "G4: an activity starts only when its call is durable and its outcome is not",
  I19: "G3: one idempotency key for all executions of a call, and for no other",
  I20: "G3: a process never runs one attempt twice at the same time",
  I21: "G3: a recorded result is one that an execution of that attempt gave",
  I22: "G1: what is acknowledged is durable",
  I23: "G10: a hub that knows it is fenced or closed delivers nothing more",
  I24: "no code of a terminated run is executed",
  I25: "the store gives back what was committed, and of its own hub alone (G11)",
  I26: "what clients are shown was committed, and is not older than their question",
  I27: "waits answer with a state that was waited for",
  I28: "G12: a refusal has its reason, and changes nothing",
  I29: "G2: a history is what the reference model makes of what happened",
  I30: "the record shows the output, failure and custom status of the history",
  I31: "G5: a child's outcome at its parent is the child's own, and every generation of a child knows its parent",
  I32: "G6: the answer to a call of an entity is what the operation gave when it took effect",
  I33: "G9: when the faults end everything finishes",
  I34: "G9: at rest no message, timer or activity is left over",
  I35: "G1, G5: nothing that was sent is lost",
  I36: "at rest clients are shown what the store holds",
  I37: "an event raised twice under one id counts once",
  I38: "no error escapes: nothing is rejected unheard, and no hub stops of itself",
  I39: "the same choices make the same run",
  I40: "G8: when nothing goes wrong a timer fires in time",
  I41: "G1: an instance is deleted only when it has ended, and a client asked for it or its time is over",
  I42: "G8: what has ended goes when its time is over",
  I43: "G2: an instance is parked, or fails, for its code exactly when the code does not fit its history",
  I44: "G2: a hub runs instances of the versions it is for, and no others; generations have the versions they were given",
  I51: "no more attempts of an activity run at once than it allows",
  I52: "an activity that needs the network starts only while it is there",
  I53: "attempts of an activity that have to wait for a place start in the order in which they were called",
  I54: "G9: after a restart an activity goes on from the heartbeat details that are stored; what is said is stored soon",
  I55: "an entity's instant of its last change is that of its state's",
  I56: "an instance has the tags it was started with; a child has those of its parent, and those of its call before them",
  I57: "an attempt that was called starts as soon as there is room for it",
  I58: "G5: events that are carried over come in the order in which they came before",
  I60: "a hub that has been closed leaves no commit undecided, and writes nothing more",
  I61: "a limit of time ends an attempt when it is reached, not before and not much later",
  I62: "a store keeps nothing of what is gone",
  I63: "an attempt that nobody waits for any more is told to stop",
} as const;

export type InvariantId = keyof typeof INVARIANTS;

/** Something that must not be, with where it was found. */
export interface Violation {
  readonly invariant: InvariantId;
  readonly details: string;
}

/** Hears of violations; the first ends the run. */
export type Violate = (invariant: InvariantId, details: string) => void;
