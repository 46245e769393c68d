/** Planted bugs of what becomes of instances without any doing of their own: deletion, code that does not fit, versions. */
import type { Mutant } from "./mutants.ts";

const PARKING = "core/hub/parking.ts";
const RETENTION = "core/hub/retention.ts";

export const LIFECYCLE_MUTANTS: readonly Mutant[] = [
  {
    says: "messages of a turn that is parked are not stored",
    file: PARKING,
    find: "      storeMessage(message, draft, engine);\n      engine.group.answer(message);",
    replace: "      engine.group.answer(message);",
  },
  {
    says: "who raised an event is not answered when the turn is parked",
    file: PARKING,
    find: "      storeMessage(message, draft, engine);\n      engine.group.answer(message);",
    replace: "      storeMessage(message, draft, engine);",
  },
  {
    says: "an instance is parked although its code fits",
    file: "core/hub/staging.ts",
    find: '  if (mismatch && engine.options.onNonDeterminism === "suspend" && !turn.isRewind) {\n    park(turn, mismatch, engine);',
    replace:
      '  if ((mismatch || live.turnCount === 3) && engine.options.onNonDeterminism === "suspend") {\n    park(turn, mismatch ?? (new Error("no reason") as NonDeterminismError), engine);',
  },
  {
    says: "the end of an instance whose code does not fit has the id of a recorded step",
    file: "core/hub/turn.ts",
    find: "    return this.past.reduce((max, event) => Math.max(max, event.eventId), this.live.run?.sequence ?? 0);",
    replace: "    return this.live.run?.sequence ?? 0;",
  },
  {
    says: "retention deletes too early",
    file: RETENTION,
    find: "completedAtMs !== undefined ? completedAtMs + period.keptMs : undefined;",
    replace: "completedAtMs !== undefined ? completedAtMs - 100 + period.keptMs : undefined;",
  },
  {
    says: "retention keeps what was terminated",
    file: RETENTION,
    find: '["Terminated", "Canceled"]',
    replace: '["Canceled"]',
  },
  {
    says: "a hub runs instances of any version",
    file: "core/hub/admission.ts",
    find: 'return versioning.onMismatch !== "fail" && versionMismatch(version, versioning) !== undefined;',
    replace: 'return versioning.onMismatch === "fail" && versionMismatch(version, versioning) !== undefined;',
  },
  {
    says: "a new version given to continueAsNew is lost",
    file: "core/hub/outcome.ts",
    find: "const version = completion.newVersion ?? record.version;",
    replace: "const version = record.version;",
  },
];
