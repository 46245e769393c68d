/**
 * Instances with their payloads as the codec's own text, so that a client that has the codec gets every value back as it was.
 * Sent to whoever accepts `application/vnd.holdfast+json`.
 */
import type { OrchestrationState } from "../../core/client/client.ts";
import type { SyncCodec } from "../../core/codec/codec.ts";
import { CODEC_MEDIA_TYPE } from "./body.ts";

/** `OrchestrationState` as JSON: instants in ISO 8601 to the millisecond, payloads as text of the codec, empty fields left out. */
export interface StateInCodecForm {
  readonly instanceId: string;
  readonly name: string;
  readonly version: string;
  readonly runtimeStatus: OrchestrationState["runtimeStatus"];
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly completedAt?: string;
  readonly input?: string;
  readonly output?: string;
  readonly customStatus?: string;
  readonly failure?: unknown;
  readonly tags: Readonly<Record<string, string>>;
  readonly parentInstanceId?: string;
}

/** True when the caller asks for the codec's own text. */
export function wantsCodecForm(request: Request): boolean {
  const accepted = (request.headers.get("Accept") ?? "").split(",");
  return accepted.some((range) => range.split(";", 1)[0]?.trim().toLowerCase() === CODEC_MEDIA_TYPE);
}

/** @throws PayloadError when the codec cannot write what it has read. */
export function stateInCodecForm(state: OrchestrationState, codec: SyncCodec): StateInCodecForm {
  const { createdAt, lastUpdatedAt, completedAt, input, output, customStatus, ...plain } = state;
  return {
    ...plain,
    createdAt: createdAt.toISOString(),
    lastUpdatedAt: lastUpdatedAt.toISOString(),
    ...(completedAt && { completedAt: completedAt.toISOString() }),
    ...inCodecForm({ input, output, customStatus }, codec),
  };
}

function inCodecForm(payloads: Record<string, unknown>, codec: SyncCodec): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [field, value] of Object.entries(payloads)) {
    if (value !== undefined) texts[field] = codec.encode(value);
  }
  return texts;
}
