/**
 * What may be an instance id, an entity id, a task hub name or a function name.
 * Source of the rules: Durable Functions instance id restrictions (no `/ \ # ?`, no control characters, at most 100 characters, not starting with `@`).
 */
import { InvalidArgumentError, InvalidInstanceIdError } from "./errors.ts";

/** Longest instance id, entity ids (`@name@key`) included, in UTF-16 units. */
export const INSTANCE_ID_LENGTH_MAX = 100;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
const FORBIDDEN = /[/\\#?\u0000-\u001f\u007f-\u009f]/;

/**
 * Refuses an id that no orchestration may have.
 * @throws InvalidInstanceIdError with the rule that is broken.
 */
export function checkInstanceId(instanceId: unknown): asserts instanceId is string {
  const problem = problemOf(instanceId);
  if (problem) throw new InvalidInstanceIdError(problem);
}

function problemOf(id: unknown): string | undefined {
  if (typeof id !== "string") return `An instance id must be a string; got ${id === null ? "null" : typeof id}.`;
  if (id === "") return "An instance id must not be empty: instanceId is required.";
  if (id.startsWith("@"))
    return `The instance id '${id}' starts with '@', which is kept for entities. Choose another first character.`;
  return rulesFor(id, `The instance id '${id.slice(0, 120)}'`);
}

/** The rules that instance ids and entity ids share; the broken one in words, or undefined. */
function rulesFor(id: string, subject: string): string | undefined {
  if (id.length > INSTANCE_ID_LENGTH_MAX)
    return `${subject} has a length of ${id.length}; at most ${INSTANCE_ID_LENGTH_MAX} characters are allowed.`;
  if (FORBIDDEN.test(id))
    return `${subject} contains a character that is not allowed: none of / \\ # ? and no control characters.`;
  return undefined;
}

/** Addresses an entity: a lower-cased name and a key whose case counts; written `@name@key`. */
export class EntityId {
  /** Name of the entity's definition, lower-cased. */
  readonly name: string;
  /** Which one of that name; 1–98 characters. */
  readonly key: string;
  /** @throws InvalidInstanceIdError for an illegal name or key. */
  constructor(name: string, key: string) {
    if (typeof name !== "string" || name === "" || name.includes("@"))
      throw new InvalidInstanceIdError(`The entity name '${String(name)}' must not be empty or contain '@'.`);
    if (typeof key !== "string" || key === "")
      throw new InvalidInstanceIdError(`The key of an entity '${name}' must be a text of at least one character.`);
    this.name = name.toLowerCase();
    this.key = key;
    const problem = rulesFor(this.toString(), `The entity id '${this.toString().slice(0, 120)}'`);
    if (problem) throw new InvalidInstanceIdError(problem);
  }
  toString(): string {
    return `@${this.name}@${this.key}`;
  }
  /**
   * Reads `@name@key`; the key may contain `@` itself.
   * @throws InvalidInstanceIdError when the text is no entity id.
   */
  static parse(text: string): EntityId {
    const split = typeof text === "string" && text.startsWith("@") ? text.indexOf("@", 1) : -1;
    if (split < 0) throw new InvalidInstanceIdError(`'${String(text)}' is not an entity id; expected '@name@key'.`);
    return new EntityId(text.slice(1, split), text.slice(split + 1));
  }
}

/** Whatever names an entity: an `EntityId`, its two parts, or its text. */
export type EntityIdLike = EntityId | { readonly name: string; readonly key: string } | string;

/** @throws InvalidInstanceIdError when it names no entity. */
export function entityIdOf(id: EntityIdLike): EntityId {
  if (id instanceof EntityId) return id;
  if (typeof id === "string") return EntityId.parse(id);
  if (typeof id !== "object" || id === null)
    throw new InvalidInstanceIdError(`An entity id is an EntityId, { name, key } or '@name@key'; got ${String(id)}.`);
  return new EntityId(id.name, id.key);
}

/** What the names of the hub's own functions begin with; nobody else's may. */
export const OWN_PREFIX = "holdfast:";

/**
 * An entity that user code may send something to: any but the hub's own.
 * @throws InvalidInstanceIdError
 */
export function foreignEntityIdOf(id: EntityIdLike): EntityId {
  const entityId = entityIdOf(id);
  if (!entityId.name.startsWith(OWN_PREFIX)) return entityId;
  throw new InvalidInstanceIdError(
    `'${entityId.toString()}' is an entity of the hub itself (its name starts with '${OWN_PREFIX}'); it takes nothing from user code. Use the client's methods, such as \`schedules\`.`,
  );
}

/** True for the id of an entity rather than of an orchestration. */
export function isEntityInstanceId(instanceId: string): boolean {
  return instanceId.startsWith("@");
}

/**
 * Refuses an empty or non-text name of a function, event or operation.
 * @throws InvalidArgumentError
 */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== "string" || name === "")
    throw new InvalidArgumentError(
      `${what} must be a text of at least one character; got ${JSON.stringify(name) ?? String(name)}.`,
    );
}

const HUB_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** True for a legal task hub name: 1–64 letters, digits, `-`, `_`. */
export function isTaskHubName(name: string): boolean {
  return HUB_NAME.test(name);
}
