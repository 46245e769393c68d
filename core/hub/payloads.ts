/** Payloads at the edge of a hub: encoding with bounds, decoding, and checks against schemas. */
import type { SyncCodec } from "../codec/codec.ts";
import type { ActivityDefinition, OrchestratorDefinition } from "../definition/definitions.ts";
import type { SchemaResult, StandardSchema } from "../definition/schema.ts";
import { PayloadError, ValidationError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { type Awaitable, isPromise } from "../store/contract.ts";

export class Payloads {
  readonly #codec: SyncCodec;
  readonly #limits: Limits;

  constructor(codec: SyncCodec, limits: Limits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** @throws PayloadError for a value that cannot be kept or is too large. */
  encode(value: unknown): string {
    return bounded(this.#codec.encode(value), this.#limits.payloadBytesMax, "payload", "payloadBytesMax");
  }
  /** Like `encode`, and `undefined` stays absent. */
  encodeOptional(value: unknown): string | undefined {
    return value === undefined ? undefined : this.encode(value);
  }
  encodeStatus(value: unknown): string {
    return bounded(
      this.#codec.encode(value),
      this.#limits.customStatusBytesMax,
      "custom status",
      "customStatusBytesMax",
    );
  }
  encodeHeartbeat(details: unknown): string {
    return bounded(this.#codec.encode(details), this.#limits.heartbeatBytesMax, "heartbeat", "heartbeatBytesMax");
  }
  /** @throws PayloadError for a text that is not of this codec. */
  decode(text: string | undefined): unknown {
    return text === undefined ? undefined : this.#codec.decode(text);
  }

  /** Checks an input where it enters. A promise when the schema answers with one. @throws ValidationError */
  checkInput(definition: ActivityDefinition | OrchestratorDefinition | undefined, input: unknown): Awaitable<unknown> {
    return definition?.inputSchema
      ? check(definition.inputSchema, input, `The input of ${definition.kind} '${definition.name}'`)
      : input;
  }
  /** Checks an input where nothing can be waited for. @throws ValidationError also when the schema answers with a promise */
  checkInputNow(definition: ActivityDefinition | OrchestratorDefinition | undefined, input: unknown): unknown {
    const checked = this.checkInput(definition, input);
    if (!isPromise(checked)) return checked;
    checked.catch(() => {});
    throw new ValidationError(
      `The input schema of ${definition?.kind} '${definition?.name}' answers with a promise; inside orchestrators and entities only synchronous schemas can be used.`,
      [],
    );
  }
  /** Checks a result. A promise when the schema answers with one. @throws ValidationError that no retry policy tries again */
  checkOutput(
    definition: ActivityDefinition | OrchestratorDefinition | undefined,
    output: unknown,
  ): Awaitable<unknown> {
    return definition?.outputSchema
      ? check(definition.outputSchema, output, `The result of ${definition.kind} '${definition.name}'`, true)
      : output;
  }
}

function bounded(text: string, max: number, what: string, limit: string): string {
  if (text.length <= max) return text;
  throw new PayloadError(
    `A ${what} of ${text.length} characters is larger than the ${max} allowed here. Store it elsewhere and pass a reference, or raise limits.${limit}.`,
    { path: "$" },
  );
}

function check(schema: StandardSchema, value: unknown, what: string, isFinal = false): Awaitable<unknown> {
  const result = schema["~standard"].validate(value);
  return isPromise(result) ? result.then((r) => accepted(r, what, isFinal)) : accepted(result, what, isFinal);
}

function accepted(result: SchemaResult<unknown>, what: string, isFinal: boolean): unknown {
  if (!result.issues) return result.value;
  const first = result.issues[0];
  const path = (first?.path ?? [])
    .map((part) => String(typeof part === "object" && part !== null ? (part as { key: unknown }).key : part))
    .join(".");
  const error = new ValidationError(
    `${what} was refused by its schema: ${path === "" ? "" : `${path}: `}${first?.message ?? "no reason given"}`,
    result.issues,
  );
  if (isFinal) Object.defineProperty(error, "isNonRetriable", { value: true });
  throw error;
}
