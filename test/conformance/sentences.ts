/**
 * Every sentence of the store contract (`core/store/contract.ts`), and the cases that hold it. A test looks that none of them is missing, here or
 * there: a sentence that is added to the contract needs a case, or a reason why no store can break it.
 */

/** It names something, or says what the hub means by it. */
const A_NAME = "a name";
/** It binds the hub that calls, not the store. */
const THE_HUB = "of the hub";

const RECORDS = [
  "S5: a record with every field comes back as it was given",
  "S5: fields that a record does not have stay absent",
];
const ENTITIES = ["an entity comes back as it was given, and is no orchestration"];
const COUNTS = ["turns are appended in order, and counted with their events"];
const EVENTS = "S5: events and messages of every type come back as they were given, with their dates";
const INBOX = ["messages wait in order of their sequence until they are taken"];
const MESSAGES = [...INBOX, "messages may wait for an instance that has no record yet"];
const FENCED = [
  "S2: a newer session fences the older at once, which then changes nothing",
  "S2: a newer session through another connection fences the older by its next commit",
  "S2: an older session that has made as many commits as the newer one is fenced all the same",
  "S2: a newer session through another connection fences an older one that writes a single turn",
];
const CHECKED = ["S2: a session that is asked whether it is fenced says so"];
const RESET = [
  "a reset drops the history and the timers, and leaves the record and the inbox",
  "a reset with a new generation beside it leaves only the new one",
];
const PURGE = [
  "a purge drops everything of the instance and nothing else",
  "a purge drops the entity, its messages and its timers",
  "what is made anew after a purge has nothing of what was there, though clocks have gone back",
];
const INCLUSIVE = [
  "bounds of creation and completion are inclusive",
  "prefix, instants and states choose entities; bounds are inclusive",
];
const CLOSED = ["S2: a session that is closed refuses every call; closing it again does nothing"];
const KEPT = ["S3: what was committed is there after closing and opening again"];

/** By sentence: the cases that hold it, or why there is none. */
export const SENTENCES: Readonly<Record<string, readonly string[] | typeof A_NAME | typeof THE_HUB>> = {
  "The store contract: all that a task hub asks of a database.": A_NAME,
  "A store holds any number of hubs; a session sees one of them and never another's data.": [
    "S1: a hub that nothing was written to is empty",
    "S1: hubs whose names differ only in case are different hubs",
  ],
  "Opening claims the hub: it raises the hub's epoch, and every commit of an older session fails with `HubFencedError` and changes nothing.":
    [
      "S2: each opening raises the hub's epoch by one",
      "S2: a session that was fenced before it wrote anything writes nothing",
      ...FENCED,
    ],
  "`commit` is atomic: all changes or none.": [
    "S3: a commit that cannot be written changes nothing, and the next one works",
    "S3: one commit changes many instances",
    "S3: a commit without changes changes nothing",
  ],
  "When it returns (or its promise resolves) they are durable in the store's sense.": [
    ...KEPT,
    "S3: what was committed is there for another connection",
  ],
  "A store that is synchronous answers without promises; the hub then never waits.": [
    "S4: it answers without promises",
  ],
  "One that is not may answer any call with a promise.": THE_HUB,
  "A store has no policy: it neither looks into payloads nor decides what is due.": [
    "S5: any text comes back as it was given",
    "S5: an entity's state may be any text",
    "timers stay until they are removed, however often they are read",
  ],
  "Whatever it is given it gives back unchanged.": [
    ...RECORDS,
    EVENTS,
    "S5: ids that look alike are different instances",
  ],
  "Commits of one session come one at a time, in order.": [
    "S6: several changes of one instance in one commit are applied in order",
    "any sequence of commits leaves what the contract says, in two hubs at once",
  ],
  "A value, or a promise of it.": A_NAME,
  "Where an instance stands, in the words of the public API.": A_NAME,
  "One of them.": A_NAME,
  "All that is stored of an instance beside its history.": RECORDS,
  "Immutable: a change makes a new record.": THE_HUB,
  "What a person should know about this generation although it goes on: its history has become long.": A_NAME,
  "True while activities of the instance are outstanding: what a restart must look at.": [
    "open instances are those that are busy or have messages, each once",
  ],
  "Details of the last heartbeats of running activities (stored text), by sequence id of the attempt: what the attempt goes on from after a restart.":
    RECORDS,
  "Written every few seconds at most; what no longer runs is left out of the next record that is written for another reason.":
    THE_HUB,
  "Ids of events that were raised with an `eventId`, so that raising them again has no effect.": RECORDS,
  "Bounded, oldest first.": THE_HUB,
  "All that is stored of an entity.": ENTITIES,
  "Immutable.": THE_HUB,
  "`@name@key`.": A_NAME,
  "Encoded state; absent when the entity has none (it is only locked).": ENTITIES,
  "Instant of the last change of its state.": THE_HUB,
  "The orchestration that holds it, and the critical section it holds it for.": ENTITIES,
  "The entity of the same section that the request was passed on to; absent for the last one.": ENTITIES,
  "An instance as the store gives it back.": A_NAME,
  "Absent while only messages for it are stored: it has not been started yet, or never will be.": MESSAGES,
  "The entity, when the id is one and it exists.": ENTITIES,
  "Instant of the last commit that touched it.": ["every change counts as an update, whatever it changes"],
  "Number of turns in its history: the index the next one gets.": COUNTS,
  "Number of events in its history.": COUNTS,
  "Messages that were committed to it and that no turn has taken yet, oldest first.": INBOX,
  "A message on its way to an instance.": A_NAME,
  "`sequence` orders the messages of one instance.": INBOX,
  "The generation it is meant for; absent when any will do.": [EVENTS],
  "The generation whose child it is meant for; absent when any instance will do.": [EVENTS],
  "What a durable timer does when it is due.": A_NAME,
  "A durable timer.": A_NAME,
  "One instance has at most one of each `kind` and `timerId`: before another is added, or in the same change, the one there was is removed.":
    [
      "a timer that is removed and added again in one change has moved",
      "removing one timer leaves those of the same number of another kind or instance",
    ],
  "Everything one or several turns changed about one instance.": A_NAME,
  "Applied in the order of the fields: what is dropped first, then what is written.": [
    "within a change, what is dropped goes before what is written",
  ],
  "Instant of the change: the instance's new `lastUpdatedAtMs`, unless a part of it that stays is from a later one (clocks go back).":
    [
      "every change counts as an update, whatever it changes",
      "a change by a clock that went back leaves the instant of the last turn",
    ],
  "Drop the history and the timers there were; turns count from 0 again (continue-as-new, restart, rewind, replacement).":
    [
      ...RESET,
      "a reset drops every timer of the instance, however it was added, and no other",
      "a purge or reset of what is not there changes nothing",
    ],
  "The inbox stays.": RESET,
  "Drop everything, the inbox too.": PURGE,
  "Without a `record` beside it the instance is gone afterwards.": [
    ...PURGE,
    "a purge with a record beside it replaces the instance",
    "a purge with an entity beside it replaces the entity",
  ],
  "The new record; absent when nothing in it changed.": [
    "a record replaces the one before it",
    "a change without a record leaves the record alone",
  ],
  "The entity as it is now; `null` when it is no more.": ["an entity that is no more is gone; its messages stay"],
  "Absent when nothing in it changed.": ["a change without an entity leaves the entity alone"],
  "Events of new turns, one array a turn; the first gets the index `firstTurn`.": COUNTS,
  "Only an instance with a record has turns.": THE_HUB,
  "Sequences of inbox messages that were taken.": INBOX,
  "Which instances a query wants.": [
    "statuses, names and tags choose; several of one kind are alternatives, several kinds must all fit",
    "names are compared exactly, whatever is in them",
    "a prefix of the id is taken literally",
    "what looks like a tag elsewhere in a record is none, and does not cut a page short",
    "every filter works together with pages",
  ],
  "Bounds are inclusive, in ms.": INCLUSIVE,
  "A position in an ordered listing: the instant and id of the last row that was given.": [
    "a page goes on after its cursor, whether or not an instance is there",
  ],
  "One page of instances in ascending order of (creation or completion instant, id).": [
    "a listing is in order of creation, then of ids by UTF-16 units",
    "a listing in order of completion has the completed instances only",
    "pages of any size give every instance once and in order",
    "a page is filled to its limit when it must be searched for",
    "instances move in listings as their records change, and leave when they are purged",
  ],
  "Which entities a query wants, in ascending order of ids.": [
    "a listing of entities is in order of ids by UTF-16 units, and read in pages",
  ],
  "Entities without a state too: those that are only locked.": [
    "prefix, instants and states choose entities; bounds are inclusive",
  ],
  "The id after which the page begins.": [
    "a listing of entities is in order of ids by UTF-16 units, and read in pages",
  ],
  "An entity in a listing.": A_NAME,
  "Messages in its inbox.": ["a listed entity tells how many messages wait for it"],
  "An instance in a listing.": ["a listed instance tells when it was last updated"],
  "One hub's view of a store, from `open` to `close`.": A_NAME,
  "Raised by one with each opening of this hub.": [
    "S2: each opening raises the hub's epoch by one",
    "S2: opening another hub leaves this one's session alone",
  ],
  "True when the hub has been taken over by a newer session, as far as is known without asking the database.": [
    ...FENCED,
    ...CHECKED,
  ],
  "Asks the database whether a newer session has opened the hub.": CHECKED,
  "Absent where `isFenced` tells at once.": CHECKED,
  "@throws HubFencedError when one has.": CHECKED,
  "@throws HubFencedError when a newer session has opened the hub.": FENCED,
  "An instance, or `undefined` when neither a record nor messages for it are stored.": [
    "S1: a hub that nothing was written to is empty",
    ...MESSAGES,
    ...PURGE,
  ],
  "The whole history of the instance's current generation, oldest event first; empty when there is none.": [
    "S1: a hub that nothing was written to is empty",
    ...COUNTS,
    ...RESET,
  ],
  "Instances that must be looked at after a restart: busy ones, and those with messages in their inbox.": [
    "open instances are those that are busy or have messages, each once",
  ],
  "Timers due at or before `dueAtMs`, earliest first (then by instance id, kind and timer id), at most `limit`.": [
    "due timers come earliest first, then by instance, kind and number",
    "a timer is due at its instant and not before",
    "many timers are read in pages",
    "timers may wait for an entity that does not exist",
  ],
  "When the earliest timer is due.": [
    "timers stay until they are removed, however often they are read",
    "the latest instant that there is can be waited for",
  ],
  "Gives the hub up; the store can be opened again.": KEPT,
  "From then on every other call fails with `HubClosedError`; closing again does nothing.": CLOSED,
  "A session that answers at once.": A_NAME,
  "A database that hubs can be kept in.": A_NAME,
  "It outlives the hubs opened over it.": KEPT,
  "True for a promise: how the hub tells an asynchronous answer from a synchronous one.": A_NAME,
};
