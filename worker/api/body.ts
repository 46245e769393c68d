/** Request bodies: read up to a bound, and understood as JSON. */
import type { SyncCodec } from "../../core/codec/codec.ts";
import { RequestError } from "./request-error.ts";

/** The media type in which payloads travel as the codec's own text rather than as plain JSON. */
export const CODEC_MEDIA_TYPE = "application/vnd.holdfast+json";
const JSON_MEDIA_TYPE = "application/json";

/** A body that has been read. */
export interface RequestBody {
  /** In lower case, without parameters; empty when the request names none. */
  readonly mediaType: string;
  /** Empty when there is no body. */
  readonly text: string;
}

/** @throws RequestError `bodyTooLarge` when the request says that its body has more than `bytesMax` bytes. */
export function refuseLargeBody(request: Request, bytesMax: number): void {
  if (Number(request.headers.get("Content-Length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
}

/**
 * Reads the whole body.
 * @throws RequestError `bodyTooLarge` as soon as more than `bytesMax` bytes have come, `invalidRequest` when they are not UTF-8.
 */
export async function readBody(request: Request, bytesMax: number): Promise<RequestBody> {
  refuseLargeBody(request, bytesMax);
  const mediaType = (request.headers.get("Content-Type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (!request.body) return { mediaType, text: "" };
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  let bytes = 0;
  // Leaving the loop cancels the rest of the body.
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    text += utf8(() => decoder.decode(chunk, { stream: true }));
  }
  return { mediaType, text: text + utf8(() => decoder.decode()) };
}

/**
 * Refuses a body that is said to be something else than JSON. An empty one need not say anything.
 * @throws RequestError `invalidRequest`
 */
export function refuseOtherThanJson({ mediaType, text }: RequestBody): void {
  if (mediaType === JSON_MEDIA_TYPE || mediaType === CODEC_MEDIA_TYPE || (mediaType === "" && text === "")) return;
  const given = mediaType === "" ? "no Content-Type" : `the Content-Type '${mediaType}'`;
  throw new RequestError(
    "invalidRequest",
    `Only application/json request content is supported; the request has ${given}. Send JSON, and say so in Content-Type.`,
  );
}

/**
 * The value of a body, `undefined` when it is empty. Plain JSON is data, whatever it looks like; only a body of the codec's own media
 * type is decoded by the codec.
 * @throws RequestError `invalidRequest` for text that is no JSON, PayloadError for text that is not of the codec.
 */
export function payloadOf({ mediaType, text }: RequestBody, codec: SyncCodec): unknown {
  if (text.trim() === "") return undefined;
  if (mediaType === CODEC_MEDIA_TYPE) return codec.decode(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new RequestError(
      "invalidRequest",
      `Invalid JSON content: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function utf8(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw new RequestError("invalidRequest", "Invalid JSON content: the body is not UTF-8 text.");
  }
}

function tooLarge(bytesMax: number): RequestError {
  return new RequestError(
    "bodyTooLarge",
    `The body is larger than the ${bytesMax} bytes allowed here. Store it elsewhere and send a reference, or raise limits.payloadBytesMax.`,
  );
}
